"""What the lenses may find of a session, without its tokens."""

import numpy as np

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sparse_results import SparseLayer, SparseResult
from subspacelens_tui.sparse import Comparison, Groups, Lens, Quality, Split, judge
from subspacelens_tui.sparse.alignment import Alignment
from subspacelens_tui.sparse.atoms import Atom

SAVED = {
    "gauss": 0.0,
    "class": -1.0,
    "position_known": 4.0,
    "subspaces_25": 9.0,
    "scales_8": 1.0,
    "sparse": 6.0,
}


def sparse_result(layers: int) -> SparseResult:
    """Subspaces save 9 nats at each layer, a sparse code 6."""
    four = np.arange(4)
    split = Split(Groups(four, four, four), four[:2], four[2:])
    beyond = {
        key: {other: (SAVED[key] - SAVED[other], 0.5) for other in SAVED if other != key}
        for key in ("subspaces_25", "sparse")
    }
    atoms = tuple(Atom(at, 0.1, 0.5 / (at + 1), 0.01, 0.2, 0.4, (0, 1)) for at in range(9))
    alignment = Alignment(10, (0.3,) * 9, (0.28,) * 9, 0.5, 0.47)
    found = []
    for layer in range(layers):
        distortions = np.geomspace(0.01, 0.9, 12)
        lenses = {
            key: Lens(
                50 - of + layer, 1.0, of, 0.5, tuple(distortions), tuple(-(20 - of) * np.log(distortions))
            )
            for key, of in SAVED.items()
        }
        quality = Quality(100, 0.8, 0.75, 8.0, 3, 50.0, 0.05)
        of_layer = Comparison(0.1, 100, 4000, 50, 2000, 1.0, 50.0, lenses, {}, beyond, None, (), quality)
        found.append(SparseLayer(layer, f"block {layer}", 96, of_layer, judge(of_layer), atoms, alignment))
    return SparseResult(Settings(), 0.1, False, None, 32, split, ("a", "b"), tuple(found), (), (), ())
