"""The atoms of the selected layer's autoencoder, with what they are active for."""

from collections.abc import Iterable, Sequence

from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Row, cut_row
from subspacelens_tui.app.panes.pane import COMPUTING, Numbers
from subspacelens_tui.app.panes.sparse import OfTokens
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sparse.alignment import Alignment
from subspacelens_tui.sparse.atoms import Atom

# Images are named beside at least two columns: what an atom is for is seen from them.
_ATOM, _COLUMN, _IMAGES = 4, 7, 18
# In the order in which they give way, the last first.
_COLUMNS = ("class", "pos", "stable", "tokens", "align", "energy")
_LEAST = _ATOM + 2 * _COLUMN


class AtomsPane(OfTokens):
    """One row an atom: how many tokens have it, what it says of class and position, whether it is stable."""

    pane_name = "atoms"
    heading = "Atoms"
    tab = "Atoms"
    jump = "4"
    place = "rank"
    in_column = "middle"
    of_a_layer = True

    def title_detail(self) -> str:
        """What the columns of class and position are."""
        return f"{self.of_tokens()}{self.name_of(self.selected)} · class, pos: entropy explained"

    def subtitles(self) -> Sequence[str]:
        """What the columns are, and what else the pane shows."""
        stable = "stable: best |cos| in a second training"
        align = "align: energy in the nearest class subspace, beyond permuted labels"
        both = f"class, pos: beyond chance · {stable}"
        return [
            f"{align} · {both} · {self.others}",
            *(f"{of} · {self.others}" for of in (both, stable)),
            self.others,
        ]

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """Of the selected layer, those with most energy first."""
        layer = self.of_layer
        return layer.atoms if layer else ()

    @property
    def alignment(self) -> Alignment | None:
        """Of these atoms with the class subspaces, where it can be told."""
        layer = self.of_layer
        return layer.alignment if layer and isinstance(layer.alignment, Alignment) else None

    def _beyond(self, place: int) -> float | None:
        """What an atom has of its energy in the nearest class subspace beyond one of permuted labels."""
        of = self.alignment
        return None if of is None else of.atoms[place] - of.permuted_atoms[place]

    def absence(self) -> str:
        """Why there are none; empty if there are some."""
        if words := super().absence():
            return words
        layer = self.of_layer
        if layer is None:
            return COMPUTING
        if layer.atoms:
            return ""
        return plain(
            layer.found if isinstance(layer.found, str) else layer.found.missing.get("sparse", "no atom")
        )

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The table, as many rows and columns as there is room for, and what is seen most among them."""
        if width < _LEAST or height < 3:
            return self.too_small(width, height, _LEAST, 3)
        names = _COLUMNS[: max(2, (width - _ATOM - _IMAGES) // _COLUMN)]
        head = fit("atom", _ATOM, "right") + "".join(fit(name, _COLUMN, "right") for name in names)
        rows: list[Row] = [cut_row([(head + "  images", self.ink("dim"))], width)]
        room = height - 2
        rows += [cut_row(self._row(at, names), width) for at in range(min(room, len(self.atoms)))]
        rows += [[]] * (room - len(rows) + 1)
        words = next((words for words in self._sentences() if len(words) <= width), self._sentences()[-1])
        return [*rows, cut_row([(words, self.ink("dim"))], width)]

    def _row(self, place: int, names: Sequence[str]) -> Row:
        atom = self.atoms[place]
        # Of the two, what it says more of: position is no concept.
        of_position = atom.of_position is not None and atom.of_position > atom.of_class
        cells = {
            "class": (numbers.fraction(atom.of_class), "dim" if of_position else "strong"),
            "pos": (numbers.fraction(atom.of_position), "strong" if of_position else "dim"),
            "align": (numbers.fraction(self._beyond(place)), ""),
            "tokens": (f"{100 * atom.share:.1f} %", ""),
            "stable": (numbers.fraction(atom.cosine), ""),
            "energy": (f"{100 * atom.energy:.1f} %", "dim"),
        }
        return [
            (fit(str(atom.atom), _ATOM, "right"), self.ink("accent")),
            *((fit(cells[name][0], _COLUMN, "right"), self.ink(cells[name][1])) for name in names),
            (f"  {self._images(atom)}", self.ink("dim")),
        ]

    def _images(self, atom: Atom) -> str:
        manifest = self.recording.manifest if self.recording else None
        if manifest is None:
            return ""
        scheme = self.analysis.selection.main[0] if self.analysis else ""
        found = [manifest.images[image] for image in atom.images if image < len(manifest.images)]
        names = [manifest.prompts[image.prompt].labels.get(scheme, "") for image in found]
        return ", ".join(plain(f"{image}:{name}") for image, name in zip(atom.images, names, strict=False))

    def _sentences(self) -> list[str]:
        """What is seen most among the atoms, the longest form first."""
        of_position = sum((atom.of_position or 0) > atom.of_class for atom in self.atoms)
        words = f"{of_position} of {len(self.atoms)} say more of position than of class"
        if (of := self.alignment) is None:
            return [words]
        atoms, permuted, tokens, its_permuted = map(
            numbers.fraction, (of.mean, of.permuted_mean, of.tokens, of.permuted_tokens)
        )
        in_subspaces = f"energy in class subspaces: atoms {atoms} (permuted {permuted})"
        return [
            f"{words} · {in_subspaces}, tokens {tokens} ({its_permuted})",
            f"{words} · {in_subspaces}",
            words,
        ]

    def numbers(self) -> Numbers:
        """A row an atom."""
        return [
            {
                "layer": self.number_of(self.selected),
                "atom": atom.atom,
                "tokens": atom.share,
                "energy": atom.energy,
                "class": atom.of_class,
                "position": atom.of_position,
                "aligned_beyond_permuted": self._beyond(place),
                "cosine": atom.cosine,
                "images": " ".join(map(str, atom.images)),
            }
            for place, atom in enumerate(self.atoms)
        ]
