"""The classifier of the drawings that the bundled models learned from: what a picture of theirs is of.

It was trained on drawings alone, and knows nothing of any model: a judge that no steering can mislead by what it
was fitted to. How it was trained and how often it is right: `classifier.md`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

WEIGHTS = Path(__file__).parent / "classifier.safetensors"
SIDE = 64
# Of each convolution; its kernel is square and padded by half.
STRIDES = (2, 1, 1)
# Pictures at a time: the windows of one take a megabyte.
_CHUNK = 64
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Classifier:
    """Three convolutions, each with a rectifier and pooling over 2 × 2, and one linear layer.

    Attributes:
        subjects: names of the classes.
        convolutions: kernels (out, in, k, k) and biases (out,), batch normalisation folded in.
        linear: (classes, features) and (classes,).
    """

    subjects: tuple[str, ...]
    convolutions: tuple[tuple[Array, Array], ...]
    linear: tuple[Array, Array]

    def __call__(self, pictures: npt.NDArray[np.floating]) -> npt.NDArray[np.str_]:
        """The most likely subject of each picture (N,).

        Args:
            pictures: (N, 64 · 64 · 3), rows of pixels from 0 to 255.
        """
        chunks = [pictures[at : at + _CHUNK] for at in range(0, len(pictures), _CHUNK)]
        codes = [self.logits(chunk).argmax(axis=1) for chunk in chunks]
        found: npt.NDArray[np.str_] = np.asarray(self.subjects)[np.concatenate(codes)]
        return found

    def logits(self, pictures: npt.NDArray[np.floating]) -> Array:
        """(N, classes), of the same."""
        x: Array = pictures.reshape(-1, SIDE, SIDE, 3).transpose(0, 3, 1, 2).astype(np.float32)
        x = x / np.float32(127.5) - np.float32(1)
        for (kernel, bias), stride in zip(self.convolutions, STRIDES, strict=True):
            x = _pooled(np.maximum(_convolved(x, kernel, bias, stride), np.float32(0)))
        weight, bias = self.linear
        found: Array = x.reshape(len(x), -1) @ weight.T + bias
        return found


@cache
def load_classifier(weights: Path = WEIGHTS) -> Classifier:
    """The one in a file; the one that ships."""
    with safe_open(weights, "numpy") as file:
        arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        subjects = json.loads(file.metadata()["subjects"])
    convolutions = tuple(
        (arrays[f"convolution.{at}.weight"], arrays[f"convolution.{at}.bias"]) for at in range(len(STRIDES))
    )
    return Classifier(tuple(subjects), convolutions, (arrays["linear.weight"], arrays["linear.bias"]))


def _convolved(x: Array, kernel: Array, bias: Array, stride: int) -> Array:
    """(N, out, H, W) of (N, in, H, W)."""
    k = kernel.shape[2]
    edges = (k // 2, k // 2)
    padded = np.pad(x, ((0, 0), (0, 0), edges, edges))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
    found: Array = np.tensordot(windows, kernel, axes=((1, 4, 5), (1, 2, 3))) + bias
    return found.transpose(0, 3, 1, 2)


def _pooled(x: Array) -> Array:
    """The largest of each 2 × 2."""
    N, channels, height, width = x.shape
    found: Array = x.reshape(N, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))
    return found
