"""Steered against bare generation on the bundled model: `python benchmarks/steering.py`."""

import argparse
import time
from typing import Any

import numpy as np
import torch
from ratios import compare

from subspacelens_tui import demo
from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.loading import load_pipeline
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.steering import Steering, fingerprint_of
from subspacelens_tui.steering import Change, Edit, Intervention

_GUIDANCE, _BATCH, _STEPS, _WIDTH, _TOKENS = 3.0, 4, 5, 96, 64


class Timed(Steering):
    """Knows how long its hooks took; on a CPU they do their work themselves."""

    spent = 0.0

    def _change(self, *arguments: Any) -> Any:
        began = time.process_time()
        found = super()._change(*arguments)
        self.spent += time.process_time() - began
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    call = PipelineCall(load_pipeline(ModelSource(str(demo.MODEL_PATH)), torch.float32))
    layout = discover(call, ("a lion", "a car, a lion"), _STEPS, [_GUIDANCE]).layout
    rng = np.random.default_rng(0)
    bias, W = (0.01 * rng.standard_normal((rows, _WIDTH), np.float32) for rows in (_TOKENS, _WIDTH))
    model = fingerprint_of(layout, call.pipeline.transformer)
    transport = Change(Edit(bias, {"uncond": W, "cond": -0.01}))

    def generate() -> None:
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in range(_BATCH)]
        call(["a lion"] * _BATCH, generators, _STEPS, _GUIDANCE)

    for layers in ((8,), tuple(range(8))):
        of = Intervention({layer: {0: transport} for layer in layers}, model)
        # Made once, as for a session of many batches: it looks at all weights of the model.
        steering, shares = Timed(call.pipeline, layout, of), []

        def steered(steering: Timed = steering, shares: list[float] = shares) -> None:
            began, spent = time.process_time(), steering.spent
            with steering:
                steering.start_batch(range(_BATCH), _GUIDANCE)
                generate()
            shares.append((steering.spent - spent) / (time.process_time() - began))

        compare(f"steered at {len(layers)} layers / bare generation", steered, generate, rounds)
        middle = sorted(1 / (1 - share) for share in shares[1:])[len(shares) // 2 - 1]
        print(f"  steered / the same run without its hooks, processor time {middle:.4f}")


if __name__ == "__main__":
    main()
