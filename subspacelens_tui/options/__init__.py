"""The options: each declared once, for the command line, its page of the documentation and the new-run form.

`--help` reads them, so nothing is imported here that it would have to wait for.
"""
