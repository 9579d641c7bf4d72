"""Any diffusers pipeline: whether all of it is there, loading and calling it, finding what of it is recorded.

`discover` needs a pipeline object and the arguments of its call, and gives a `Layout`, which is all that a
capture needs to know of it. Nothing here imports torch before a pipeline is loaded.
"""

from subspacelens_tui.models.errors import ModelError

__all__ = ["ModelError"]
