"""Stable Diffusion 1.5, XL and 3 as one file, with the names of weights that their authors gave them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Weights = dict[str, torch.Tensor]
Rules = Iterable[tuple[str, str]]

_RESNET = r"^((?:input_blocks|output_blocks)\.\d+\.0|middle_block\.[02])\."
_RESNETS = (
    (_RESNET + r"norm1\.", r"\1.in_layers.0."),
    (_RESNET + r"conv1\.", r"\1.in_layers.2."),
    (_RESNET + r"time_emb_proj\.", r"\1.emb_layers.1."),
    (_RESNET + r"norm2\.", r"\1.out_layers.0."),
    (_RESNET + r"conv2\.", r"\1.out_layers.3."),
    (_RESNET + r"conv_shortcut\.", r"\1.skip_connection."),
)
_ENDS = (
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^conv_norm_out", "out.0"),
    (r"^conv_out", "out.2"),
    (r"^add_embedding\.linear_1", "label_emb.0.0"),
    (r"^add_embedding\.linear_2", "label_emb.0.2"),
)
_OPEN_CLIP = (
    (r"^text_model\.", ""),
    (r"^embeddings\.token_embedding\.", "token_embedding."),
    (r"^embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"^text_projection\.weight", "text_projection"),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
_MMDIT = (
    (r"^pos_embed\.pos_embed", "pos_embed"),
    (r"^pos_embed\.proj\.", "x_embedder.proj."),
    (r"^time_text_embed\.timestep_embedder\.", "t_embedder."),
    (r"^time_text_embed\.text_embedder\.", "y_embedder."),
    (r"_embedder\.linear_1\.", "_embedder.mlp.0."),
    (r"_embedder\.linear_2\.", "_embedder.mlp.2."),
    (r"^proj_out\.", "final_layer.linear."),
    (r"^norm_out\.linear\.", "final_layer.adaLN_modulation.1."),
    (r"^transformer_blocks\.(\d+)\.", r"joint_blocks.\1.x_block."),
    (r"x_block\.(.*)(?:add_([qkv])_proj|to_add_out)", r"context_block.\1to_\2"),
    (r"x_block\.attn\.norm_added_", "context_block.attn.norm_"),
    (r"x_block\.(norm1|ff)_context\.", r"context_block.\1."),
    (r"norm1\.linear\.", "adaLN_modulation.1."),
    (r"\.ff\.net\.0\.proj\.", ".mlp.fc1."),
    (r"\.ff\.net\.2\.", ".mlp.fc2."),
    (r"\.norm_([qk])\.", r".ln_\1."),
    (r"\.to_(?:out\.0)?\.", ".proj."),
)


def save_as_one_file(pipeline: Any, path: Path) -> None:
    """Write denoiser, VAE and text encoders of a pipeline into one safetensors file."""
    if hasattr(pipeline, "transformer"):
        parts = {"model.diffusion_model.": _mmdit(pipeline.transformer)}
        for name, part in (("clip_l", ""), ("clip_g", "_2"), ("t5xxl", "_3")):
            encoder = getattr(pipeline, f"text_encoder{part}")
            parts[f"text_encoders.{name}.transformer."] = encoder.state_dict()
    else:
        parts = {"model.diffusion_model.": _unet(pipeline.unet)} | _text_encoders(pipeline)
    parts["first_stage_model."] = _vae(pipeline.vae)
    found = {prefix + name: tensor for prefix, part in parts.items() for name, tensor in part.items()}
    save_file({name: tensor.contiguous().clone() for name, tensor in found.items()}, path)


def _text_encoders(pipeline: Any) -> dict[str, Weights]:
    text = {
        name.removeprefix("text_model."): tensor
        for name, tensor in pipeline.text_encoder.state_dict().items()
    }
    if not hasattr(pipeline, "text_encoder_2"):
        return {"cond_stage_model.transformer.text_model.": text}
    return {
        "conditioner.embedders.0.transformer.text_model.": text,
        "conditioner.embedders.1.model.": _open_clip(pipeline.text_encoder_2),
    }


def _renamed(weights: Weights, rules: Rules) -> Weights:
    def name_of(name: str) -> str:
        for old, new in rules:
            name = re.sub(old, new, name)
        return name

    return {name_of(name): tensor for name, tensor in weights.items()}


def _unet(unet: Any) -> Weights:
    """Blocks are numbered from the first to the last, each with what is added to its end."""
    levels, layers = len(unet.down_blocks), unet.config.layers_per_block
    rules = [*_ENDS]
    for level in range(levels):
        for layer in range(layers + 1):
            down, up = level * (layers + 1) + layer + 1, level * (layers + 1) + layer
            attends = bool(getattr(unet.up_blocks[level], "attentions", None))
            rules += [
                (rf"^down_blocks\.{level}\.resnets\.{layer}\.", f"input_blocks.{down}.0."),
                (rf"^down_blocks\.{level}\.attentions\.{layer}\.", f"input_blocks.{down}.1."),
                (rf"^up_blocks\.{level}\.resnets\.{layer}\.", f"output_blocks.{up}.0."),
                (rf"^up_blocks\.{level}\.attentions\.{layer}\.", f"output_blocks.{up}.1."),
            ]
        end = (level + 1) * (layers + 1)
        rules += [
            (rf"^down_blocks\.{level}\.downsamplers\.0\.conv", f"input_blocks.{end}.0.op"),
            (
                rf"^up_blocks\.{level}\.upsamplers\.0\.conv",
                f"output_blocks.{end - 1}.{2 if attends else 1}.conv",
            ),
        ]
    for old, new in (("resnets.0", 0), ("attentions.0", 1), ("resnets.1", 2)):
        rules.append((rf"^mid_block\.{re.escape(old)}\.", f"middle_block.{new}."))
    return _renamed(unet.state_dict(), [*rules, *_RESNETS])


def _mmdit(transformer: Any) -> Weights:
    """Query, key and value are one matrix; where nothing but a norm is left, the scale comes after the shift."""
    weights = dict(transformer.state_dict())
    last = f"transformer_blocks.{len(transformer.transformer_blocks) - 1}.norm1_context.linear."
    for name in weights:
        if name.startswith((last, "norm_out.linear.")):
            weights[name] = torch.cat(weights[name].chunk(2)[::-1])
    weights = _renamed(weights, _MMDIT)
    for name in [name for name in weights if ".to_q." in name]:
        parts = [weights.pop(name.replace(".to_q.", f".to_{part}.")) for part in "qkv"]
        weights[name.replace(".to_q.", ".qkv.")] = torch.cat(parts)
    return weights


def _vae(vae: Any) -> Weights:
    last = len(vae.config.up_block_types) - 1
    rules = [(r"conv_norm_out", "norm_out"), (r"conv_shortcut", "nin_shortcut")]
    for level in range(last + 1):
        rules += [
            (rf"down_blocks\.{level}\.resnets\.", f"down.{level}.block."),
            (rf"down_blocks\.{level}\.downsamplers\.0\.", f"down.{level}.downsample."),
            (rf"up_blocks\.{level}\.resnets\.", f"up.{last - level}.block."),
            (rf"up_blocks\.{level}\.upsamplers\.0\.", f"up.{last - level}.upsample."),
        ]
    rules += [(rf"mid_block\.resnets\.{n}\.", f"mid.block_{n + 1}.") for n in (0, 1)]
    rules += [
        (r"mid_block\.attentions\.0\.", "mid.attn_1."),
        (r"\.group_norm\.", ".norm."),
        (r"\.to_([qkv])\.", r".\1."),
        (r"\.to_out\.0\.", ".proj_out."),
    ]
    return {
        # What are matrices here were convolutions.
        name: tensor[..., None, None] if tensor.ndim == 2 else tensor
        for name, tensor in _renamed(vae.state_dict(), rules).items()
    }


def _open_clip(encoder: Any) -> Weights:
    """Query, key and value are one matrix, and the projection is transposed."""
    weights = _renamed(encoder.state_dict(), _OPEN_CLIP)
    weights["text_projection"] = weights["text_projection"].T
    for name in [name for name in weights if ".self_attn.q_proj." in name]:
        parts = [weights.pop(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
        block, kind = name.split(".self_attn.q_proj.")
        weights[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
    return weights
