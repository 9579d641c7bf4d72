"""What it takes to code tokens as one Gaussian, by class, by position, by learned subspaces or by a sparse
code, at equal distortion.

Arrays in, numbers out, but for the files of autoencoders; docs/sparse.md says what is measured.
"""

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.errors import LeakError, SparseError
from subspacelens_tui.sparse.image_split import Groups, Split, split_images
from subspacelens_tui.sparse.lens_fits import LENSES, SPARSE, Tokens
from subspacelens_tui.sparse.lenses import Comparison, Dictionary, Lens, compare_lenses
from subspacelens_tui.sparse.quality import Quality
from subspacelens_tui.sparse.verdict import Verdict, judge

__all__ = [
    "LENSES",
    "SPARSE",
    "Autoencoder",
    "Comparison",
    "Dictionary",
    "Groups",
    "LeakError",
    "Lens",
    "Quality",
    "SparseError",
    "Split",
    "Tokens",
    "Verdict",
    "compare_lenses",
    "judge",
    "split_images",
]
