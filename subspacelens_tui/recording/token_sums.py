"""Sums over image tokens, added up while a session is recorded: of wide models tokens take too much disk.

They are in float64: what is fitted is a small difference of large sums. They are written in the end and every
ten minutes; images that a killed recorder had not written them of are recorded again.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.models.layout import Passes
from subspacelens_tui.planning.steering_statistics import token_grid
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.sessions.format import Branch, Manifest
from subspacelens_tui.sessions.moments_file import (
    MOMENTS_FILE,
    PARTS,
    MomentsFile,
    groups_of,
    write_moments,
)
from subspacelens_tui.steering.examples import ORDER_OF_ALL, cosine_basis

_WRITE_SECONDS = 600.0
Arrays = dict[str, npt.NDArray[np.float64]]


class TokenSums:
    """The sums of a session.

    Args:
        folder: of the session, which may have some already.
        manifest: of it.
        layers: at which sums are kept.
        passes: of each guidance scale: sums are of the first that has both.

    Raises:
        RecordingError: none has.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, layers: Sequence[int], passes: Mapping[float, Passes]
    ) -> None:
        self._folder, self._manifest, self._layers = folder, manifest, frozenset(layers)
        self._guidance = next((s for s in manifest.guidance if len(passes[s].branches) == 2), None)
        if self._guidance is None:
            raise RecordingError("there is no unconditional pass, and --moments sums over both: leave it out")
        self._passes = passes[self._guidance]
        self._groups = groups_of(manifest)
        self._slots = len(manifest.capture_steps)
        self._sums: Arrays = {}
        self._bases: dict[int, torch.Tensor] = {}
        self._images: set[int] = set()
        self._written = time.monotonic()
        if (folder / MOMENTS_FILE).exists():
            self._read()
        self._changed = False

    @property
    def images(self) -> frozenset[int]:
        """That are in the sums."""
        return frozenset(self._images)

    def start_batch(self, images: Sequence[int], guidance: float) -> None:
        """Begin a batch of these images; those that are in the sums already are not added again."""
        planned = self._manifest.images
        self._of_batch = [self._groups[planned[image].prompt] for image in images]
        self._new = [image not in self._images for image in images]
        self._batch, self._sums_it = tuple(images), guidance == self._guidance
        self._added: Arrays = {}
        self._waiting: dict[int, dict[Branch, torch.Tensor]] = {}

    def take(self, layer: int, slot: int, forward: int, tokens: torch.Tensor) -> None:
        """Add what a layer put out (rows, T, d) at a captured step, once both passes are there."""
        if layer not in self._layers or not self._sums_it:
            return
        there = self._waiting.setdefault(layer, {})
        for branch, rows in self._passes.rows_of(forward, len(self._batch)).items():
            there[branch] = tokens[rows]
        if len(there) < 2:  # the pass that runs first waits, and blocks may write over what they put out
            self._waiting[layer] = {branch: of.clone() for branch, of in there.items()}
            return
        basis = self._basis(layer, tokens)
        pairs = zip(there["cond"], there["uncond"], self._of_batch, self._new, strict=True)
        for cond, uncond, group, new in pairs:
            if new:
                self._add(f"{group}.{layer}", slot, _sums_of(cond, uncond, basis))
        del self._waiting[layer]

    def keep(self) -> None:
        """Take the batch into the sums, now that it is recorded."""
        for name, added in self._added.items():
            if name in self._sums:
                self._sums[name] += added
            else:
                self._sums[name] = added
        # Of another scale they have no sums, and are done all the same.
        self._images.update(self._batch)
        self._added, self._changed = {}, True
        if time.monotonic() - self._written > _WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write them, if there are any that are not written."""
        if not self._changed:
            return
        arrays: dict[str, npt.NDArray[Any]] = {
            "images": np.array(sorted(self._images), dtype=np.int64),
            "groups": np.array(self._groups, dtype=np.int64),
            **{f"basis.{layer}": of.cpu().numpy() for layer, of in self._bases.items()},
            **self._sums,
        }
        write_moments(self._folder, arrays)
        self._changed, self._written = False, time.monotonic()

    def _read(self) -> None:
        file = MomentsFile(self._folder)
        self._images = set(file.images)
        for name in file.names:
            if name.startswith("basis."):
                self._bases[int(name.removeprefix("basis."))] = torch.from_numpy(file.array(name))
            elif name not in ("images", "groups"):
                self._sums[name] = file.array(name)

    def _basis(self, layer: int, tokens: torch.Tensor) -> torch.Tensor:
        """The cosines over an image of this layer's tokens (T, k), where sums of it are made."""
        if layer not in self._bases:
            count = tokens.shape[1]
            cosines = cosine_basis(count, token_grid(self._manifest, count), ORDER_OF_ALL)
            self._bases[layer] = torch.from_numpy(np.ascontiguousarray(cosines, dtype=np.float64))
        if self._bases[layer].device != (where := _with_float64(tokens.device)):
            self._bases[layer] = self._bases[layer].to(where)
        return self._bases[layer]

    def _add(self, prefix: str, slot: int, sums: Mapping[str, torch.Tensor]) -> None:
        for part in PARTS:
            found = sums[part].cpu().numpy()
            name = f"{prefix}.{part}"
            if name not in self._added:
                self._added[name] = np.zeros((self._slots, *found.shape))
            self._added[name][slot] += found


def _sums_of(cond: torch.Tensor, uncond: torch.Tensor, basis: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of one image's tokens (T, d) of both passes; nothing of one that is not finite."""
    c, u = (of.to(basis.device).to(torch.float64) for of in (cond, uncond))
    good = torch.isfinite(c).all() & torch.isfinite(u).all()
    c, u = (torch.where(good, of, torch.zeros((), dtype=of.dtype, device=of.device)) for of in (c, u))
    return {
        "images": good.to(torch.float64),
        "cond": basis.T @ c,
        "uncond": basis.T @ u,
        "within": u.T @ u,
        "across": u.T @ c,
    }


def _with_float64(device: torch.device) -> torch.device:
    """Where sums are made: Apple's GPUs have no float64."""
    return torch.device("cpu") if device.type == "mps" else device
