"""A small classifier of real drawings, used to judge generated ones.

It is trained on the styles on which the model is trained and checked on the held-out style.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tools.demo_training.data import SEED, SUBJECTS, ImagePool


def new_classifier() -> nn.Sequential:
    """Three convolutions with pooling and one linear layer."""
    layers: list[nn.Module] = []
    for channels_in, channels, kernel, stride in ((3, 48, 5, 2), (48, 96, 3, 1), (96, 128, 3, 1)):
        layers += [
            nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 4 * 4, len(SUBJECTS))]
    return nn.Sequential(*layers)


def augment(images: Tensor) -> Tensor:
    """Random turns, sizes, shifts and colours, so that the classifier looks at shapes and not at styles."""
    count = len(images)
    angle, scale = 0.3 * (torch.rand(count) - 0.5), 0.85 + 0.4 * torch.rand(count)
    turned = torch.zeros(count, 2, 3)
    turned[:, 0, 0] = turned[:, 1, 1] = scale * angle.cos()
    turned[:, 0, 1], turned[:, 1, 0] = -scale * angle.sin(), scale * angle.sin()
    turned[:, :, 2] = 0.2 * (torch.rand(count, 2) - 0.5)
    grid = F.affine_grid(turned, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    # A random mix of the colour channels changes hues, the noise hides fine texture.
    mix = torch.eye(3) + 0.2 * torch.randn(count, 3, 3)
    coloured = torch.einsum("bij,bjhw->bihw", mix, moved) + 0.15 * torch.randn(count, 3, 1, 1)
    return (coloured + 0.1 * torch.randn_like(coloured)).clamp(-1, 1)


def train(pool: ImagePool, steps: int, batch: int = 64) -> nn.Sequential:
    """Train a classifier of subjects on the pool."""
    torch.manual_seed(SEED)
    model = new_classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps)
    for step in range(steps):
        rows = torch.randint(len(pool.images), (batch,))
        logits = model(augment(pool.floats(rows)))
        loss = F.cross_entropy(logits, pool.subjects[rows], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"classifier {step}/{steps} loss {loss.item():.3f}", flush=True)
    model.eval()
    return model


@torch.no_grad()
def predict(model: nn.Sequential, images: Tensor) -> Tensor:
    """The most likely subject of each uint8 image."""
    chunks = (chunk.float() / 127.5 - 1 for chunk in images.split(128))
    return torch.cat([model(chunk).argmax(dim=1) for chunk in chunks])


def export(model: nn.Sequential, file: Path) -> None:
    """Write it as `subspacelens_tui.demo.classifier` reads it: normalisation folded in, half precision."""
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    normalisations = [layer for layer in model if isinstance(layer, nn.BatchNorm2d)]
    layers: dict[str, nn.Module] = {
        f"convolution.{at}": fuse_conv_bn_eval(*pair)
        for at, pair in enumerate(zip(convolutions, normalisations, strict=True))
    }
    layers["linear"] = model[-1]
    tensors = {
        f"{layer}.{name}": tensor for layer, of in layers.items() for name, tensor in of.state_dict().items()
    }
    about = {"subjects": json.dumps([subject.name for subject in SUBJECTS])}
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, file, about)
