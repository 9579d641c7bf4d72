"""Trains a transformer and its text encoders together on the latents of the image pool.

Two processes of one thread each, which average their gradients, are faster on two cores than one process of
two threads.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tools.demo_training.architecture import Architecture
from tools.demo_training.data import SEED, random_caption
from tools.demo_training.vae import LATENT_CHANNELS

MUON_RATE = 5e-3
ADAMW_RATE = 1.5e-3
WARM_UP_STEPS = 100
CONSTANT_SHARE = 0.4
"""After this share of the steps the learning rates fall to zero in a line."""

EMA_DECAY = 0.998


@dataclass
class Optimizers:
    """Muon for the matrices of the blocks and AdamW for everything else, on one schedule."""

    muon: torch.optim.Muon
    adamw: torch.optim.AdamW

    @classmethod
    def of(cls, model: Any) -> Optimizers:
        """New optimizers for a model."""
        linears = (
            module
            for module in model.transformer.transformer_blocks.modules()
            if isinstance(module, nn.Linear)
        )
        matrices = [linear.weight for linear in linears]
        chosen = {id(matrix) for matrix in matrices}
        others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
        adamw = torch.optim.AdamW(others, lr=ADAMW_RATE, betas=(0.9, 0.99), weight_decay=0.0)
        return cls(torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=0.1), adamw)

    def step(self, factor: float) -> None:
        """One update with both learning rates scaled by a factor, then cleared gradients."""
        for optimizer, rate in ((self.muon, MUON_RATE), (self.adamw, ADAMW_RATE)):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad()


def rate_factor(step: int, steps: int) -> float:
    """Warm-up, a constant part and a line to zero."""
    falling = (1 - step / steps) / (1 - CONSTANT_SHARE)
    return min(1.0, (step + 1) / WARM_UP_STEPS, falling)


class Batches:
    """Random latents with captions, the same for the same seed, step and process."""

    def __init__(self, data: dict[str, Tensor], architecture: Architecture) -> None:
        self._latents = data["latents"]
        self._labels = list(zip(data["subjects"].tolist(), data["backgrounds"].tolist(), strict=True))
        self._architecture = architecture

    def draw(self, size: int, seed: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Latents, and what the model takes of their captions."""
        random_ = random.Random(seed)
        rows = random_.choices(range(len(self._labels)), k=size)
        captions = [random_caption(*self._labels[row], random_) for row in rows]
        return self._latents[rows], self._architecture.tokens(captions)


@dataclass(frozen=True)
class Plan:
    """What to train, for how long and where the files are."""

    architecture: Architecture
    folder: Path
    steps: int

    @property
    def checkpoint(self) -> Path:
        """Where the state is written every few minutes; an existing one is resumed."""
        return self.folder / f"{self.architecture.name}.pt"

    @property
    def progress(self) -> tuple[int, float]:
        """The steps of the checkpoint and the seconds that they took."""
        steps, seconds = torch.load(self.checkpoint, weights_only=True)["progress"]
        return steps, seconds


class Training:
    """The state of one process: model, average, optimizers and how far they are."""

    def __init__(self, plan: Plan, latent_means: Tensor) -> None:
        torch.manual_seed(SEED)
        self.plan = plan
        self.model = plan.architecture.new_model(latent_means)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
        self.optimizers = Optimizers.of(self.model)
        self.steps_done, self.seconds = 0, 0.0
        self._losses: list[float] = []
        if plan.checkpoint.exists():
            self._resume()

    def run(self, batches: Batches, rank: int) -> None:
        """Train to the end of the plan; the first process also averages, reports and saves."""
        parallel = DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        architecture, processes = self.plan.architecture, self.plan.architecture.processes
        for step in range(self.steps_done, self.plan.steps):
            start = time.monotonic()
            seed = (SEED * 1_000_000 + step) * processes + rank
            torch.manual_seed(seed)
            loss = architecture.loss(parallel, *batches.draw(architecture.batch // processes, seed))
            loss.backward()
            self.optimizers.step(rate_factor(step, self.plan.steps))
            if rank == 0:
                self.average.update_parameters(self.model)
                self.steps_done, self.seconds = step + 1, self.seconds + time.monotonic() - start
                self._report(loss.item())

    def _report(self, loss: float) -> None:
        self._losses.append(loss)
        if self.steps_done % 50 == 0:
            pace = self.steps_done * self.plan.architecture.batch / self.seconds
            mean = sum(self._losses) / len(self._losses)
            print(f"{self.steps_done}/{self.plan.steps} loss {mean:.4f} {pace:.0f} images/s", flush=True)
            self._losses.clear()
        if self.steps_done % 200 == 0 or self.steps_done == self.plan.steps:
            self._save()

    def _save(self) -> None:
        """Write the whole state, replacing the last one only when it is complete."""
        state = {"progress": (self.steps_done, self.seconds)}
        state |= {name: part.state_dict() for name, part in self._parts().items()}
        new = self.plan.checkpoint.with_suffix(".new")
        torch.save(state, new)
        new.replace(self.plan.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.plan.checkpoint, weights_only=True)
        self.steps_done, self.seconds = state["progress"]
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "average": self.average,
            "muon": self.optimizers.muon,
            "adamw": self.optimizers.adamw,
        }


def _worker(rank: int, plan: Plan, store: str) -> None:
    """One of the processes that train together."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=store, rank=rank, world_size=plan.architecture.processes
    )
    data = torch.load(plan.folder / "latents.pt", mmap=True, weights_only=True)
    training = Training(plan, data["latents"].mean(dim=(0, 2, 3)))
    training.run(Batches(data, plan.architecture), rank)
    distributed.destroy_process_group()


def train(plan: Plan) -> None:
    """Train in parallel processes on the latents in the plan's folder, until the checkpoint is final."""
    with tempfile.TemporaryDirectory() as meeting_place:
        store = f"file://{meeting_place}/store"
        spawn(_worker, args=(plan, store), nprocs=plan.architecture.processes)


def load_average(plan: Plan) -> nn.Module:
    """The averaged model of the checkpoint, ready to use."""
    averages = torch.load(plan.checkpoint, weights_only=True)["average"]
    averages.pop("n_averaged")
    model = plan.architecture.new_model(torch.zeros(LATENT_CHANNELS))
    model.load_state_dict({name.removeprefix("module."): value for name, value in averages.items()})
    return model.eval()
