"""What it takes to code tokens as one Gaussian, by class, by position or by learned subspaces, at equal
distortion.

Arrays in, numbers out. docs/sparse.md says what is measured; the lens of sparse codes (SAE) is not here yet.
"""

from subspacelens_tui.sparse.errors import LeakError, SparseError
from subspacelens_tui.sparse.lenses import LENSES, Comparison, Lens, Tokens, compare_lenses
from subspacelens_tui.sparse.split import Groups, Split, split_images
from subspacelens_tui.sparse.verdict import Verdict, judge

__all__ = [
    "LENSES",
    "Comparison",
    "Groups",
    "LeakError",
    "Lens",
    "SparseError",
    "Split",
    "Tokens",
    "Verdict",
    "compare_lenses",
    "judge",
    "split_images",
]
