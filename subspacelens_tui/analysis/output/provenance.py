"""Where numbers come from: said in every file that is exported, which is read away from its session."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.sax.saxutils import escape

import numpy
import scipy

from subspacelens_tui import __version__
from subspacelens_tui.analysis.output.files import Row
from subspacelens_tui.analysis.settings import Settings

# Those that every row has, if it does not say them itself: the branch of a difference is two branches.
_COLUMNS = (
    *("guidance", "branch", "step", "labels", "eps", "features", "subspace_dim"),
    *("design", "permutations", "errors", "seed", "iso_rate", "classes"),
)


@dataclass(frozen=True)
class Provenance:
    """The sessions and settings of the numbers in a file.

    Attributes:
        sources: name of a session and the settings of its metrics, resolved as far as they are known.
    """

    sources: Sequence[tuple[str, Settings]]

    def to_json(self) -> dict[str, Any]:
        """All of it: null design, permutations and error method are among the settings."""
        sources = [
            {"session": session, "settings": {k: v for k, v in asdict(settings).items() if k != "images"}}
            for session, settings in self.sources
        ]
        return {"sources": sources, "versions": versions()}

    def text(self) -> str:
        """The same in ASCII, for the metadata of Parquet, SVG and PNG."""
        return json.dumps(self.to_json(), allow_nan=False)

    def svg_metadata(self) -> str:
        """The element that an SVG has it in."""
        return f"<metadata>{escape(self.text())}</metadata>"

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """Rows with the session before them, and after them the settings that they lack and the versions."""
        sessions = {"session": ", ".join(dict.fromkeys(session for session, _ in self.sources))}
        computed = {"versions": ", ".join(f"{name} {version}" for name, version in versions().items())}
        common = self._common()
        return [{**sessions, **row, **_lacking(row, common), **computed} for row in rows]

    def _common(self) -> dict[str, Any]:
        """The settings that are the same in all sources."""
        every = [asdict(settings) for _, settings in self.sources]
        found = {}
        for name in _COLUMNS:
            values = [settings[name] for settings in every]
            if values and values[0] is not None and all(value == values[0] for value in values):
                found[name] = ", ".join(values[0]) if name == "classes" else values[0]
        return found


def _lacking(row: Row, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in row}


def versions() -> dict[str, str]:
    """The versions of what computes the metrics; those that recorded a session are in its `session.json`."""
    return {"subspacelens-tui": __version__, "numpy": numpy.__version__, "scipy": scipy.__version__}
