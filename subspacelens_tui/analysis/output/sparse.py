"""What the lenses save, as a table, as JSON and as rows for files."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.output.files import Row
from subspacelens_tui.analysis.sparse_results import SparseCheck, SparseLayer, SparseResult
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sparse import LENSES, Comparison, Quality
from subspacelens_tui.sparse.alignment import Alignment

LENS_NAMES = {
    "gauss": "gauss",
    "class": "class",
    "class_per_image": "class/image",
    "permuted_class": "permuted",
    "position": "position",
    "position_known": "place",
    "subspaces_25": "25 sub",
    "subspaces_64": "64 sub",
    "scales_8": "8 scales",
    "sparse": "SAE",
}
# Two tables, for one is wider than a terminal.
_FIRST, _SECOND = LENSES[:4], LENSES[4:]


def print_sparse(session: Session, found: SparseResult, as_json: bool, bits: bool) -> None:
    """Print the layers on stdout; `bits` rather than nats."""
    if as_json:
        print_json(sparse_json(session, found, bits))
        return
    out, unit = console(), _unit(bits)
    settings = found.settings
    step = f"step {settings.step}" + ("" if found.timestep is None else f" (t {found.timestep:g})")
    train, test = len(found.split.train), len(found.split.test)
    neither = len(found.split.groups.seeds) - train - test
    lines = [
        f"{plain(session.name)}: {step}, {settings.branch}, labels {plain(settings.labels or '')}; "
        f"{found.tokens} tokens of each image"
        + (", minus the mean at their position" if found.without_position else ""),
        f"fitted on {train} images, measured on {test} of other seeds and other subjects",
        *([f"{neither} images share a seed or a subject with either and are not used"] if neither else []),
        f"{unit} a token at distortion {found.distortion:g} of the variance: one Gaussian; what others save",
    ]
    out.print(Text("\n".join(lines)))
    out.print(
        PlainTable(["layer", "R fit", *_headers(_FIRST)], [_row(layer, bits) for layer in found.layers])
    )
    rows = [[str(layer.layer), *_cells(layer, _SECOND, bits)] for layer in found.layers]
    out.print(PlainTable(["layer", *_headers(_SECOND)], rows))
    for layer in found.layers:
        out.print(Text(f"layer {layer.layer}: {plain(layer.verdict.words)}"))
    if any(_quality(layer) for layer in found.layers):
        out.print(PlainTable(list(_QUALITY), [_quality_row(layer) for layer in found.layers]))
    aligned = [layer for layer in found.layers if isinstance(layer.alignment, Alignment)]
    if aligned:
        out.print(Text("share of energy in the nearest class subspace: top atoms, held-out tokens"))
        out.print(PlainTable(list(_ALIGNED), [_aligned_row(layer) for layer in aligned]))
    for check in found.checks:
        of = {key: f"{_per(bits) * lens.rate:.1f}" for key, lens in check.found.lenses.items()}
        rates = ", ".join(f"{LENS_NAMES[key]} {of[key]}" for key in _CHECKED if key in of)
        out.print(Text(f"check {check.name} ({check.right}): {check.verdict.words}; {rates}"))
    for line in (*_missing_lines(found), *found.notes):
        out.print(Text(plain(line)))


_QUALITY = ("layer", "atoms", "EV fit", "EV held out", "L0", "dead", "tokens/atom", "stable")
_ALIGNED = ("layer", "dimensions", "atoms", "permuted", "tokens", "permuted")
_CHECKED = ("gauss", "subspaces_25", "sparse")


def _quality(layer: SparseLayer) -> Quality | None:
    return None if isinstance(layer.found, str) else layer.found.quality


def _quality_row(layer: SparseLayer) -> list[str]:
    """Of the sparse autoencoder of a layer."""
    if (of := _quality(layer)) is None:
        return [str(layer.layer), *[number(None)] * (len(_QUALITY) - 1)]
    stable = number(None) if of.stable is None else f"{100 * of.stable:.0f} %"
    explained = [f"{share:.3f}" for share in (of.training_ev, of.held_out_ev)]
    counts = [f"{of.l0:.1f}", str(of.dead), f"{of.tokens_an_atom:.0f}", stable]
    return [str(layer.layer), str(of.atoms), *explained, *counts]


def _aligned_row(layer: SparseLayer) -> list[str]:
    of = layer.alignment
    assert isinstance(of, Alignment)
    shares = (of.mean, of.permuted_mean, of.tokens, of.permuted_tokens)
    return [str(layer.layer), str(of.subspace_dim), *(f"{share:.3f}" for share in shares)]


def _unit(bits: bool) -> str:
    return "bits" if bits else "nats"


def _missing_lines(found: SparseResult) -> list[str]:
    """The reasons for dashes, each once."""
    reasons = (
        f"{', '.join(keys)}: {why}"
        for layer in found.layers
        if isinstance(layer.found, Comparison)
        for why, keys in _by_reason(layer.found.missing).items()
    )
    aligned = (f"{what}: {why}" for layer in found.layers for what, why in _why_not_aligned(layer).items())
    return list(dict.fromkeys((*reasons, *aligned)))


def _by_reason(missing: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, why in missing.items():
        found.setdefault(why, []).append(LENS_NAMES[key])
    return found


def _headers(keys: Sequence[str]) -> list[str]:
    return [header for key in keys for header in (LENS_NAMES[key], INTERVAL)]


def _row(layer: SparseLayer, bits: bool) -> list[str]:
    R = None if isinstance(layer.found, str) else _per(bits) * layer.found.R
    return [str(layer.layer), number(R), *_cells(layer, _FIRST, bits)]


def _cells(layer: SparseLayer, keys: Sequence[str], bits: bool) -> list[str]:
    """The rate of the Gaussian and what other lenses save, each with its interval."""
    cells = []
    for key in keys:
        lens = None if isinstance(layer.found, str) else layer.found.lenses.get(key)
        if lens is None:
            cells += [number(None)] * 2
            continue
        of = (lens.rate, lens.rate_error) if key == LENSES[0] else (lens.saved, lens.saved_error)
        cells += [f"{_per(bits) * value:.2f}" for value in of]
    return cells


def _per(bits: bool) -> float:
    """Of the unit in a nat."""
    return 1 / math.log(2) if bits else 1.0


def sparse_json(session: Session, found: SparseResult, bits: bool) -> dict[str, Any]:
    """The one object that `sparse --json` prints."""
    settings, split = found.settings, found.split
    return {
        "session": session.name,
        "settings": {
            **{name: getattr(settings, name) for name in ("labels", "branch", "step", "guidance", "seed")},
            "timestep": found.timestep,
            "distortion": found.distortion,
            "without_position": found.without_position,
        },
        "unit": _unit(bits),
        "per": "token",
        "errors": "half-widths of 95 % intervals, jackknife over held-out images",
        "tokens": found.tokens,
        "classes": list(found.classes),
        "images": {
            "fitted": len(split.train),
            "held_out": len(split.test),
            "unused": len(split.groups.seeds) - len(split.train) - len(split.test),
        },
        "layers": [_layer_json(layer, _per(bits)) for layer in found.layers],
        "checks": [_check_json(check, _per(bits)) for check in found.checks],
        "notes": list(found.notes),
        "losses": list(found.losses),
    }


def _layer_json(layer: SparseLayer, per: float) -> dict[str, Any]:
    record = {
        "layer": layer.layer,
        "name": layer.name,
        "width": layer.width,
        "verdict": asdict(layer.verdict),
    }
    found = layer.found
    if isinstance(found, str):
        return record | {
            "R": None,
            "eps": None,
            "lenses": dict.fromkeys(LENSES),
            "missing": {"lenses": found},
        }
    return record | {
        "R": per * found.R,
        "eps": found.eps,
        "training_tokens": found.training_tokens,
        "held_out_tokens": found.test_tokens,
        "lenses": {key: _lens_json(found, key, per) for key in LENSES},
        "beyond": {
            key: {other: _pair(beyond, per) for other, beyond in over.items()}
            for key, over in found.beyond.items()
        },
        "autoencoder": None if found.quality is None else asdict(found.quality),
        "atoms": [asdict(atom) for atom in layer.atoms],
        "alignment": asdict(layer.alignment) if isinstance(layer.alignment, Alignment) else None,
        "class_excess": _pair(found.class_excess, per),
        "permuted_rates": [per * rate for rate in found.permutations],
        "missing": {**found.missing, **_why_not_aligned(layer)},
    }


def _why_not_aligned(layer: SparseLayer) -> dict[str, str]:
    of = layer.alignment
    return {"alignment": of} if isinstance(of, str) and of else {}


def _check_json(check: SparseCheck, per: float) -> dict[str, Any]:
    return {
        "planted": check.name,
        "right": check.right,
        "verdict": asdict(check.verdict),
        "lenses": {key: _lens_json(check.found, key, per) for key in LENSES},
        "autoencoder": None if check.found.quality is None else asdict(check.found.quality),
    }


def _pair(of: tuple[float, float] | None, per: float) -> dict[str, float] | None:
    return {"saved": per * of[0], "error": per * of[1]} if of else None


def _lens_json(found: Comparison, key: str, per: float) -> dict[str, Any] | None:
    if (lens := found.lenses.get(key)) is None:
        return None
    return {
        **{name: per * getattr(lens, name) for name in ("rate", "rate_error", "saved", "saved_error")},
        "curve": {"distortion": list(lens.distortions), "rate": [per * rate for rate in lens.rates]},
    }


def sparse_rows(session: Session, found: SparseResult, bits: bool) -> Iterator[Row]:
    """A row for each layer and lens, for a file."""
    per = _per(bits)
    settings = found.settings
    for layer in found.layers:
        for key in LENSES:
            of = layer.found
            lens = None if isinstance(of, str) else of.lenses.get(key)
            why = of if isinstance(of, str) else of.missing.get(key, "")
            numbers = {
                name: None if lens is None else per * getattr(lens, name)
                for name in ("rate", "rate_error", "saved", "saved_error")
            }
            yield {
                "session": session.name,
                **{
                    name: getattr(settings, name) for name in ("labels", "branch", "step", "guidance", "seed")
                },
                "distortion": found.distortion,
                "without_position": found.without_position,
                "unit": _unit(bits),
                "layer": layer.layer,
                "lens": key,
                **numbers,
                "missing": why,
                "verdict": layer.verdict.words,
            }
