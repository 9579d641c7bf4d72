"""The panes of the session screen, one a file."""
