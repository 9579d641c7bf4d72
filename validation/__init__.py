"""The proof that the figures are what they are called: `python -m validation`, see docs/validation.md."""
