"""The proof that the metrics are what they are called: `python -m validation`, see docs/validation.md."""
