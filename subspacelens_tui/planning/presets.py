"""The article's recordings, by name: what of a request they settle unless the user asks otherwise."""

from collections.abc import Mapping
from typing import Any

# 25 subjects and 20 seeds are what prompts and seeds are by default; they stand here all the same.
_ARTICLE = {"seeds": 20, "steps": 20}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Step 0 is not the article's: there the unconditional branch must show ΔR = 0.
    "article": _ARTICLE | {"capture": (0, 5, 10, 15, 19)},
    # The article does not name its three scales: the pipeline's default, and one on either side.
    "article-sweep": _ARTICLE | {"capture": (5, 10, 15, 19), "guidance": (2.0, 4.5, 7.5)},
}
