"""The blocks of a denoiser by the names and shapes of its weights: before it is loaded, and without torch.

What is recorded is found when the model runs; this says how many blocks of which width that will be at most.
"""

import re
from collections import Counter, defaultdict

from subspacelens_tui.planning.weight_headers import Shapes

# An entry of a list that has attention itself, not in a list of its own.
_ATTENTION = re.compile(r"(?P<list>.*)\.(?P<entry>\d+)\.[^.\d]*(?:attn|attention)[^.]*\.(?!\d)")
_OF_TEXT = re.compile(r"context|caption|text|token_refiner|txt")
# What makes queries of image tokens: it is as wide as they are.
_QUERY = re.compile(r"\.(?:to_)?(?:q|query|qkv\w*)(?:_proj)?\.weight$|\.to_qkv\w*\.weight$")


def block_lists(shapes: Shapes) -> dict[str, list[int]]:
    """The width of each block, list by list; lists of text blocks are left out.

    Args:
        shapes: of the weights of one denoiser.
    """
    entries: dict[str, dict[int, dict[str, tuple[int, ...]]]] = defaultdict(lambda: defaultdict(dict))
    for name, shape in shapes.items():
        if len(shape) == 2 and (found := _ATTENTION.match(name)) and not _OF_TEXT.search(found["list"]):
            entries[found["list"]][int(found["entry"])][name] = shape
    return {name: [_width(of[entry]) for entry in sorted(of)] for name, of in entries.items()}


def _width(matrices: Shapes) -> int:
    for name, shape in matrices.items():
        if _QUERY.search(name):
            return shape[1]
    return Counter(side for shape in matrices.values() for side in shape).most_common(1)[0][0]
