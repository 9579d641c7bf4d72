"""Hooked against bare generation: what recording costs. `python benchmarks/capture.py [--xl]`."""

import argparse

import torch
from diffusers import PixArtTransformer2DModel
from ratios import compare

from subspacelens_tui import demo
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.recording.capture import Capture

XL = {"num_layers": 28, "num_attention_heads": 16, "attention_head_dim": 72, "cross_attention_dim": 1152}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--xl", action="store_true", help="28 blocks of width 1152 at random weights, 64 tokens"
    )
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pipeline, architecture = load_pipeline(str(demo.MODEL_PATH), device, torch.float32)
    if arguments.xl:
        torch.manual_seed(0)
        shape = {**pipeline.transformer.config, **XL}
        pipeline.transformer = PixArtTransformer2DModel.from_config(shape).eval().to(device)
    with torch.no_grad():
        conditioning = architecture.encode(pipeline, ["a lion"] * arguments.batch)
        unconditional = architecture.encode(pipeline, [""])

    def generate() -> None:
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in range(arguments.batch)]
        architecture.generate(pipeline, conditioning, unconditional, generators, arguments.steps, 3.0)

    def hooked() -> None:
        # Every step is captured: more than any recording does by default.
        with Capture(pipeline, architecture, range(arguments.steps)) as capture:
            capture.start_batch(arguments.batch, True, device)
            generate()
            capture.finish_batch()

    what = "PixArt-XL shape, random weights" if arguments.xl else "demo model"
    name = (
        torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    )
    print(f"{what}, batch {arguments.batch}, {arguments.steps} steps, all captured, on {name}")
    compare("hooked / bare generation", hooked, generate, arguments.rounds)


if __name__ == "__main__":
    main()
