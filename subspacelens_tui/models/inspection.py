"""What a pipeline is made of, and whether all of it is there, before anything is loaded. Imports no torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subspacelens_tui.models.checkpoint import part_for, parts_in
from subspacelens_tui.models.errors import TRANSFORMER, ModelError
from subspacelens_tui.models.file_integrity import check_index, check_small, check_weights, read_json
from subspacelens_tui.models.model_files import Place, folder_place, place_of
from subspacelens_tui.models.not_a_pipeline import no_index, no_transformer
from subspacelens_tui.models.problems import (
    INDEX,
    lacks,
    needs_code,
    no_part,
    no_such_variant,
    no_weights,
    only_pickles,
    only_transformer,
    only_variants,
    other_class,
)
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.models.weight_files import WeightSet, chosen, weight_sets

_CONFIG = "config.json"
_SCHEDULER_CONFIG = "scheduler_config.json"
# What a part is read from beside its weights.
_SMALL = (".json", ".txt", ".model", ".jinja")
_LIBRARIES = ("diffusers", "transformers")
# Parts that are no pipeline's to leave out where its index names them; the first two are what is recorded.
DENOISERS = (TRANSFORMER, "unet")
_ESSENTIAL = (*DENOISERS, "vae", "text_encoder", "tokenizer", "scheduler")
# Ends of the names of classes that have no weights.
_WITHOUT_WEIGHTS = (
    "Tokenizer",
    "TokenizerFast",
    "Processor",
    "ProcessorFast",
    "FeatureExtractor",
    "Scheduler",
)


@dataclass(frozen=True)
class Part:
    """A part of a pipeline.

    Attributes:
        name: that of its folder.
        folder: where it is on this machine.
        library, kind: where its class is from, and the name of that.
        weights: which of its weights to load; None for what has none there.
        file: its weights, where they are a file that was given.
        model: the model it is of, as the user calls it.
        again: what to do if it cannot be loaded.
    """

    name: str
    folder: Path
    library: str
    kind: str
    weights: WeightSet | None
    model: str
    again: str
    file: Path | None = None


@dataclass(frozen=True)
class Pipeline:
    """A pipeline all of which is on this machine.

    Attributes:
        kind: its class.
        folder: where all but the transformer is.
        parts: all that it needs.
        absent: parts of its class that it does without, such as the T5 of a Stable Diffusion 3.
    """

    kind: str
    folder: Path
    parts: tuple[Part, ...]
    absent: tuple[str, ...] = ()


def find_pipeline(source: ModelSource) -> Pipeline:
    """Everything that loading needs; what is not on this machine yet is fetched from the hub.

    Raises:
        ModelError: if something is missing or damaged.
    """
    model = source.components_from or source.model
    whole = place_of(model, source.revision_of(model))
    alone = source.components_from is None or source.one_file is not None
    own = whole if alone else place_of(source.model, source.revision)
    found = _Inspection(source, own, whole)
    folders = found.fetched()
    assert found.pipeline is not None  # the whole is in a known place
    parts = tuple(
        Part(
            name,
            folders[name] / name,
            *found.classes[name],
            found.weights.get(name),
            place.model,
            place.again,
            source.one_file if found.is_in_one_file(name) else None,
        )
        for name, place in found.places.items()
    )
    others = next(folder for name, folder in folders.items() if name != TRANSFORMER)
    return Pipeline(found.pipeline, others, parts, found.absent)


def look_at_folders(source: ModelSource) -> str | None:
    """See that what is in folders can be loaded; nothing is fetched, and the hub is not asked.

    Returns:
        The pipeline's class, if that is in a folder.

    Raises:
        ModelError: as of `find_pipeline`.
    """
    whole = folder_place(source.components_from or source.model)
    alone = source.components_from is None or source.one_file is not None
    own = whole if alone else folder_place(source.model)
    if whole is None and own is None:
        return None
    found = _Inspection(source, own, whole)
    found.fetched()
    return found.pipeline


class _Inspection:
    """Looks at the parts whose places are known, and raises at the first that cannot be loaded.

    Args:
        source: what is to be loaded.
        own: where the transformer is; None where that is not known.
        whole: where all else is, the same place unless the parts are another model's; None if not known.
    """

    def __init__(self, source: ModelSource, own: Place | None, whole: Place | None) -> None:
        self._source = source
        self._borrowed = source.components_from is not None and source.one_file is None
        self._whole = source.components_from or source.model
        self._in_file = parts_in(source.one_file)
        index = _index(whole) if whole is not None else {}
        self.pipeline = _class_name(whole, index) if whole is not None else None
        self.absent = tuple(part for part, entry in index.items() if entry == [None, None])
        if self._borrowed and own is not None:
            _check_lone_transformer(own, self.pipeline, source)
        parts = self._parts_of(index)
        by_part = {part: own if part == TRANSFORMER else whole for part in parts}
        self.places = {part: place for part, place in by_part.items() if place is not None}
        self.classes = {part: self._class_of(part, index) for part in self.places}
        self._check_folders()
        self.weights = self._weights()

    def _parts_of(self, index: Mapping[str, Any]) -> list[str]:
        """The parts that the index names; the transformer first, where it is another model's."""
        named = [
            part
            for part, entry in index.items()
            if not part.startswith("_")
            and (part in _ESSENTIAL or (_is_pair(entry) and entry != [None, None]))
        ]
        if index and not named:
            raise ModelError(f"{INDEX} of model {self._whole!r} is damaged: it names no parts", mendable=True)
        named.sort(key=lambda part: _ESSENTIAL.index(part) if part in _ESSENTIAL else len(_ESSENTIAL))
        return list(dict.fromkeys([TRANSFORMER, *named])) if self._borrowed or not index else named

    def fetched(self) -> dict[str, Path]:
        """The folder that has each part, once all files are there and have been looked at."""
        files = {part: self._files(part) for part in self.places}
        folders: dict[str, Path] = {}
        for place in dict.fromkeys(self.places.values()):
            parts = [part for part, of in self.places.items() if of is place]
            folder = place.get([f"{part}/{name}" for part in parts for name in files[part]])
            folders |= dict.fromkeys(parts, folder)
        for part, place in self.places.items():
            self._check_contents(part, place, folders[part], files[part])
        return folders

    def _class_of(self, part: str, index: Mapping[str, Any]) -> tuple[str, str]:
        """The library of a part's class, and its name."""
        place = self.places[part]
        if part != TRANSFORMER or not self._borrowed:
            library, kind = _entry(place, index, part, self._borrowed)
            if library not in _LIBRARIES and not _comes_with_diffusers(library):
                raise needs_code(place.model, f"{library}.{kind}")
            return library, kind
        entry: Any = index.get(part)
        # Its configuration says its class where nothing else does.
        return (
            (entry[0], entry[1])
            if _is_pair(entry) and entry[0] == _LIBRARIES[0]
            else (_LIBRARIES[0], "AutoModel")
        )

    def _check_folders(self) -> None:
        """See that every part has its configuration."""
        others = [place for part, place in self.places.items() if part != TRANSFORMER]
        if others and not self._borrowed and not any(map(self._names, self.places.keys() - {TRANSFORMER})):
            raise only_transformer(others[0].model, others[0].whole, others[0].again)
        for part, place in self.places.items():
            names = self._names(part)
            if not names:
                raise lacks(place.model, [f"its folder {part}"], place.again)
            config = self._config(part)
            if config is not None and config not in names:
                raise lacks(place.model, [f"{part}/{config}"], place.again)

    def _names(self, part: str) -> frozenset[str]:
        return self.places[part].files(part)

    def _config(self, part: str) -> str | None:
        """The file that says what a part is; None for tokenizers, which are read from any of several."""
        if part == "scheduler":
            return _SCHEDULER_CONFIG
        names = self._names(part)
        if part.startswith("tokenizer") or self.classes[part][1].endswith(_WITHOUT_WEIGHTS):
            return None
        return _CONFIG if part in _ESSENTIAL or _CONFIG in names or weight_sets(names) else None

    def _weights(self) -> dict[str, WeightSet]:
        """Which weights to load of each part that has some."""
        sets = {
            part: weight_sets(self._names(part))
            for part in self.places
            if self._config(part) == _CONFIG and not self.is_in_one_file(part)
        }
        found = {part: self._choose(part, there) for part, there in sets.items()}
        for place in dict.fromkeys(self.places.values()):
            if without := [part for part, one in found.items() if one is None and self.places[part] is place]:
                raise self._no_weights(place, {part: sets[part] for part in without})
        weights = {part: one for part, one in found.items() if one is not None}
        for part, one in weights.items():
            if one.absent:
                place = self.places[part]
                raise lacks(place.model, [f"{part}/{name}" for name in one.absent], place.again)
        return weights

    def is_in_one_file(self, part: str) -> bool:
        """Whether the weights of a part are in the file that was given."""
        if self._source.one_file is None:
            return False
        return part in DENOISERS or part_for(part, self.classes[part][1]) in self._in_file

    def _choose(
        self, part: str, there: Collection[WeightSet], pickles: bool | None = None
    ) -> WeightSet | None:
        pickles = self._source.allow_pickle if pickles is None else pickles
        return chosen(there, self._variants(part, there), pickles)

    def _variants(self, part: str, there: Collection[WeightSet]) -> list[str | None]:
        """Which variants will do for a part, the best first."""
        asked = self._source.variant
        if part in DENOISERS:
            return [asked]
        if not self._borrowed:
            # As diffusers has it: some models have a variant of some parts only.
            return [asked, None]
        only = {one.variant for one in there}
        return [None, asked, *(only if len(only) == 1 else ())]

    def _no_weights(self, place: Place, without: Mapping[str, Collection[WeightSet]]) -> ModelError:
        """Why some parts of a model have no weights that will do."""
        pickled = [part for part, there in without.items() if self._choose(part, there, pickles=True)]
        if pickled:
            return only_pickles(place.model, pickled)
        asked = self._source.variant
        part, there = next(iter(without.items()))
        variants = sorted({one.variant for one in there if one.variant is not None})
        if part in DENOISERS and asked is not None:
            plain = any(one.variant is None for one in there)
            return no_such_variant(place.model, asked, variants, plain, None if place.whole else place.again)
        if asked is None and variants:
            return only_variants(place.model, list(without), variants)
        return no_weights(place.model, part, sorted(self._names(part)), place.again)

    def _files(self, part: str) -> list[str]:
        small = [name for name in self._names(part) if name.endswith(_SMALL)]
        weights = self.weights.get(part)
        if weights is None:
            return sorted(small)
        index = [] if weights.index is None else [weights.index]
        return sorted({*small, *index, *weights.files})

    def _check_contents(self, part: str, place: Place, folder: Path, files: Collection[str]) -> None:
        weights = self.weights.get(part)
        for name in files:
            path = folder / part / name
            if weights is not None and name in weights.files:
                check_weights(path, place)
            elif name.endswith(_CONFIG):
                read_json(path, place)
            else:
                check_small(path, place)
        if weights is not None and weights.index is not None:
            check_index(folder / part / weights.index, place)


def _index(place: Place) -> Mapping[str, Any]:
    if INDEX not in place.files():
        raise no_index(place)
    return read_json(place.get([INDEX]) / INDEX, place)


def _class_name(place: Place, index: Mapping[str, Any]) -> str:
    name = index.get("_class_name")
    if isinstance(name, list):
        raise needs_code(place.model, ".".join(map(str, name)))
    if not isinstance(name, str):
        raise ModelError(
            f"{INDEX} of model {place.model!r} is damaged: it names no class; {place.again}", mendable=True
        )
    return name


def _entry(place: Place, index: Mapping[str, Any], part: str, borrowed: bool) -> tuple[str, str]:
    """What the index says of a part: the library and the name of its class."""
    entry = index.get(part)
    if entry is None or entry == [None, None]:
        raise no_part(place.model, part, borrowed)
    if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(word, str) for word in entry)):
        raise ModelError(
            f"{INDEX} of model {place.model!r} is damaged: its {part} is no pair of names; {place.again}",
            mendable=True,
        )
    return entry[0], entry[1]


def _check_lone_transformer(own: Place, pipeline: str | None, source: ModelSource) -> None:
    """See that a model that borrows its other parts has a transformer, and is of no other class."""
    if not own.files(TRANSFORMER):
        raise no_transformer(own)
    if pipeline is not None and INDEX in own.files():
        name = _class_name(own, _index(own))
        if name != pipeline:
            raise other_class(own.model, name, str(source.components_from), pipeline)


def _is_pair(entry: object) -> bool:
    """Whether an entry of the index is that of a part: its library and class, or neither."""
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and (all(isinstance(word, str) for word in entry) or entry == [None, None])
    )


def _comes_with_diffusers(library: str) -> bool:
    """Whether a part's class is in a folder of diffusers' pipelines, as some text encoders are."""
    found = importlib.util.find_spec("diffusers")
    roots = found.submodule_search_locations if found is not None else None
    return library.isidentifier() and any(Path(root, "pipelines", library).is_dir() for root in roots or ())
