"""Trains the transformer and its text encoder together on the latents of the image pool.

The transformer predicts the clean latents. Two processes of one thread each, which average their gradients,
are faster on two cores than one process of two threads.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, PixArtTransformer2DModel
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, processors
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from tools.demo_training.data import SEED, random_caption, vocabulary
from tools.demo_training.vae import LATENT_CHANNELS

WIDTH = 96
TEXT_WIDTH = 64
LAYERS = 12
PROCESSES = 2
MUON_RATE = 5e-3
ADAMW_RATE = 1.5e-3
WARM_UP_STEPS = 100
CONSTANT_SHARE = 0.4
"""After this share of the steps the learning rates fall to zero in a line."""

EMA_DECAY = 0.998


def new_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of whole words in lower case without punctuation, which ends captions as T5 does."""
    special = ["<pad>", "</s>", "<unk>"]
    words = {word: number for number, word in enumerate([*special, *vocabulary()])}
    backend = Backend(models.WordLevel(words, unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("removed")]
    )
    backend.post_processor = processors.TemplateProcessing(
        "$A </s>", special_tokens=[("</s>", words["</s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=120
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """PixArt's solver and noise schedule, for a model that predicts the clean sample."""
    return DPMSolverMultistepScheduler(
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        algorithm_type="dpmsolver++",
        solver_order=2,
        prediction_type="sample",
    )


def new_text_encoder(words: int) -> T5EncoderModel:
    """An untrained T5 encoder of two layers."""
    config = T5Config(
        vocab_size=words,
        d_model=TEXT_WIDTH,
        d_kv=32,
        d_ff=128,
        num_layers=2,
        num_heads=2,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
        tie_word_embeddings=False,
    )
    return T5EncoderModel(config)


def new_transformer(latent_means: Tensor) -> PixArtTransformer2DModel:
    """An untrained PixArt whose first guess is the mean of every latent channel."""
    transformer = PixArtTransformer2DModel(
        num_attention_heads=3,
        attention_head_dim=WIDTH // 3,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=LAYERS,
        cross_attention_dim=WIDTH,
        caption_channels=TEXT_WIDTH,
        sample_size=16,
        patch_size=2,
        use_additional_conditions=False,
        # The default position code hardly differs between 8 columns; this one tells them apart.
        interpolation_scale=0.02,
    )
    with torch.no_grad():
        for block in transformer.transformer_blocks:
            # Open gates over small branches: at this depth and width training starts sooner than from noise.
            block.scale_shift_table.zero_()
            block.scale_shift_table[[2, 5]] = 1
            for output in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
                output.weight.mul_(0.3)
        transformer.proj_out.weight.zero_()
        transformer.proj_out.bias.copy_(latent_means.repeat(transformer.config.patch_size**2))
    return transformer


class TextToLatents(nn.Module):
    """Text encoder and transformer as one module."""

    def __init__(self, text_encoder: T5EncoderModel, transformer: PixArtTransformer2DModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = transformer

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """The predicted clean latents."""
        text = self.text_encoder(tokens, attention_mask=mask)[0]
        predicted: Tensor = self.transformer(
            noisy, encoder_hidden_states=text, encoder_attention_mask=mask, timestep=timesteps
        ).sample
        return predicted


@dataclass
class Optimizers:
    """Muon for the matrices of the blocks and AdamW for everything else, on one schedule."""

    muon: torch.optim.Muon
    adamw: torch.optim.AdamW

    @classmethod
    def of(cls, model: TextToLatents) -> Optimizers:
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

    def __init__(self, data: dict[str, Tensor], tokenizer: PreTrainedTokenizerFast) -> None:
        self._latents = data["latents"]
        self._labels = list(zip(data["subjects"].tolist(), data["backgrounds"].tolist(), strict=True))
        self._tokens = cache(lambda caption: tokenizer(caption).input_ids)

    def draw(self, size: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Latents, tokens and the mask of the tokens."""
        random_ = random.Random(seed)
        rows = random_.choices(range(len(self._labels)), k=size)
        captions = [self._tokens(random_caption(*self._labels[row], random_)) for row in rows]
        length = max(map(len, captions))
        tokens = torch.tensor([caption + [0] * (length - len(caption)) for caption in captions])
        mask = torch.tensor([[1] * len(caption) + [0] * (length - len(caption)) for caption in captions])
        return self._latents[rows], tokens, mask


def diffusion_loss(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor], alphas_cumprod: Tensor) -> Tensor:
    """Weighted squared error of the predicted clean latents at random noise levels."""
    clean, tokens, mask = batch
    timesteps = torch.randint(len(alphas_cumprod), (len(clean),))
    signal = alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    noisy = signal.sqrt() * clean + (1 - signal).sqrt() * torch.randn_like(clean)
    # Bounded signal-to-noise ratio: neither pure noise nor nearly clean latents rule the gradient.
    weight = (signal / (1 - signal)).clamp(0.5, 4.0)
    predicted: Tensor = model(noisy, timesteps, tokens, mask)
    return (weight * (predicted - clean).square()).mean()


@dataclass(frozen=True)
class Plan:
    """How long to train and where the files are."""

    folder: Path
    steps: int
    batch: int
    """Samples of one step in all processes together."""

    @property
    def checkpoint(self) -> Path:
        """Where the state is written every few minutes; an existing one is resumed."""
        return self.folder / "transformer.pt"

    @property
    def progress(self) -> tuple[int, float]:
        """The steps of the checkpoint and the seconds that they took."""
        steps, seconds = torch.load(self.checkpoint, weights_only=True)["progress"]
        return steps, seconds


class Training:
    """The state of one process: model, average, optimizers and how far they are."""

    def __init__(self, plan: Plan, words: int, latent_means: Tensor) -> None:
        torch.manual_seed(SEED)
        self.plan = plan
        self.model = TextToLatents(new_text_encoder(words), new_transformer(latent_means))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
        self.optimizers = Optimizers.of(self.model)
        self.steps_done, self.seconds = 0, 0.0
        self._losses: list[float] = []
        if plan.checkpoint.exists():
            self._resume()

    def run(self, batches: Batches, rank: int) -> None:
        """Train to the end of the plan; the first process also averages, reports and saves."""
        parallel = DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        alphas_cumprod = new_scheduler().alphas_cumprod
        for step in range(self.steps_done, self.plan.steps):
            start = time.monotonic()
            seed = (SEED * 1_000_000 + step) * PROCESSES + rank
            torch.manual_seed(seed)
            loss = diffusion_loss(parallel, batches.draw(self.plan.batch // PROCESSES, seed), alphas_cumprod)
            loss.backward()
            self.optimizers.step(rate_factor(step, self.plan.steps))
            if rank == 0:
                self.average.update_parameters(self.model)
                self.steps_done, self.seconds = step + 1, self.seconds + time.monotonic() - start
                self._report(loss.item())

    def _report(self, loss: float) -> None:
        self._losses.append(loss)
        if self.steps_done % 50 == 0:
            pace = self.steps_done * self.plan.batch / self.seconds
            mean = sum(self._losses) / len(self._losses)
            print(f"{self.steps_done}/{self.plan.steps} loss {mean:.4f} {pace:.0f} images/s", flush=True)
            self._losses.clear()
        if self.steps_done % 250 == 0 or self.steps_done == self.plan.steps:
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
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=PROCESSES)
    data = torch.load(plan.folder / "latents.pt", mmap=True, weights_only=True)
    tokenizer = new_tokenizer()
    training = Training(plan, len(tokenizer), data["latents"].mean(dim=(0, 2, 3)))
    training.run(Batches(data, tokenizer), rank)
    distributed.destroy_process_group()


def train(plan: Plan) -> None:
    """Train in parallel processes on the latents in the plan's folder, until the checkpoint is final."""
    with tempfile.TemporaryDirectory() as meeting_place:
        store = f"file://{meeting_place}/store"
        spawn(_worker, args=(plan, store), nprocs=PROCESSES)


def load_average(plan: Plan) -> TextToLatents:
    """The averaged model of the checkpoint, ready to use."""
    averages = torch.load(plan.checkpoint, weights_only=True)["average"]
    averages.pop("n_averaged")
    text_encoder = new_text_encoder(len(new_tokenizer()))
    model = TextToLatents(text_encoder, new_transformer(torch.zeros(LATENT_CHANNELS)))
    model.load_state_dict({name.removeprefix("module."): value for name, value in averages.items()})
    return model.eval()
