"""The errors of this package."""


class SparseError(ValueError):
    """Tokens that a lens cannot be fitted to or measured on; the message is one line that says what to do."""


class LeakError(SparseError):
    """Training and held-out images share an image, a seed or a subject."""
