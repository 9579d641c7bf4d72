"""Hooked against bare generation: what recording costs. `python benchmarks/capture.py [--xl | --family F]`.

Families are at random weights, as wide as the real ones and a few blocks deep: the hooks of a block cost the
same whatever the depth. Run from the root of the repository, whose tests have the rest of their pipelines.
"""

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from families import FAMILIES, family
from pixart_xl import make_pixart_xl
from ratios import compare

from subspacelens_tui import demo
from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.loading import choose_device, choose_dtype, load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.capture import Capture
from subspacelens_tui.recording.compiling import compile_blocks
from subspacelens_tui.recording.conditioning import encode_prompts

_GUIDANCE = 3.0
# Of the small VAE of these families: two pixels to a latent, two latents to a token.
_PIXELS_A_TOKEN = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--xl", action="store_true", help="PixArt-XL's architecture at random weights")
    parser.add_argument("--family", choices=sorted(FAMILIES), help="a few blocks of it, of true width")
    parser.add_argument("--latent", type=int, default=64, help="side of its latents; (side / 2)² tokens")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="compile the blocks, on both sides")
    arguments = parser.parse_args()
    device = choose_device(None)
    dtype = choose_dtype(None, device)
    if arguments.family is not None:
        side = _PIXELS_A_TOKEN * arguments.latent // 2
        how = {"height": side, "width": side, "max_sequence_length": 32}
        measure(PipelineCall(family(arguments.family, dtype), how), device, dtype, arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        model = demo.MODEL_PATH
        if arguments.xl:
            model = Path(folder)
            make_pixart_xl(model, arguments.latent, torch.bfloat16)
        loaded = load_pipeline(ModelSource(str(model)), dtype)
    measure(PipelineCall(loaded), device, dtype, arguments)


def measure(
    call: PipelineCall, device: torch.device, dtype: torch.dtype, arguments: argparse.Namespace
) -> None:
    """Time generation with and without hooks, the text being encoded as the recorder does it."""
    pipeline = call.pipeline
    prompts = ["a lion"] * arguments.batch
    encoded = encode_prompts(call, ["a lion", "a car"], [_GUIDANCE], [[0] * arguments.batch], device)
    pipeline.to(device)
    layout = discover(call, encoded.trial, arguments.steps, [_GUIDANCE]).layout
    if arguments.compile:
        compile_blocks(layout.modules(getattr(pipeline, layout.denoisers[0])))

    def generate() -> None:
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in range(arguments.batch)]
        call(prompts, generators, arguments.steps, _GUIDANCE)

    within: list[float] = []

    def hooked() -> None:
        # Every step is captured: more than any recording does by default.
        began = time.perf_counter()
        with TimedCapture(pipeline, layout, range(arguments.steps)) as capture:
            capture.start_batch(arguments.batch, _GUIDANCE, device)
            generate()
            capture.finish_batch()
        within.append(capture.spent / (time.perf_counter() - began))

    what = "demo model"
    if arguments.family is not None:
        lists = ", ".join(f"{name} × {count}" for name, count in layout.lists)
        what = (
            f"{arguments.family}, {lists} of width {layout.blocks[0].width}, {layout.blocks[0].tokens} tokens"
        )
    elif arguments.xl:
        what = f"PixArt-XL at random weights, {(arguments.latent // 2) ** 2} tokens"
    name = (
        torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    )
    how = f"batch {arguments.batch}, {arguments.steps} steps, all captured"
    print(f"{what}, {str(dtype).removeprefix('torch.')}, {how}, on {name}")
    compare("hooked / bare generation", hooked, generate, arguments.rounds)
    if device.type == "cpu":  # elsewhere the hooks only ask for what the device does later
        ratios = [1 / (1 - share) for share in within[1:]]
        low, high = min(ratios), max(ratios)
        print(
            f"{'hooked / the same run without its hooks':58} {statistics.median(ratios):7.4f}  "
            f"(from {low:.4f} to {high:.4f} in {len(ratios)} runs)"
        )
    if device.type == "cuda":
        print(f"peak memory {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB")


class TimedCapture(Capture):
    """Adds up the seconds of its own work: on a noisy machine that says more than a ratio of runs."""

    spent = 0.0


def _timed(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def timed(self: TimedCapture, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(self, *args, **kwargs)
        finally:
            self.spent += time.perf_counter() - began

    return timed


for _name in ("start_batch", "finish_batch", "_pool_input", "_pool_output", "_advance"):
    setattr(TimedCapture, _name, _timed(getattr(Capture, _name)))


if __name__ == "__main__":
    main()
