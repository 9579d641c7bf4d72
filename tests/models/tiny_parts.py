"""The parts of tiny pipelines, each the least there is: tokenizers, encoders, VAEs, schedulers, UNets."""

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import diffusers as df
import transformers as tf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = (
    "a photo of a red cat on a table",
    "a blue dog in the park, with more text than before",
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of "
    "the objects and background: system user assistant You are an assistant designed to generate superior "
    "images",
)
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PRINTABLE = [chr(code) for code in range(33, 127)]


# Tokenizers


@functools.cache
def _byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level tokenizer that was trained on a few sentences."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _words() -> list[str]:
    return sorted({word for text in TEXTS for word in text.split()})


def clip_tokenizer() -> Any:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*alphabet, *(f"{character}</w>" for character in alphabet), "<|startoftext|>", "<|endoftext|>"]
    return tf.CLIPTokenizer(
        vocab={entry: index for index, entry in enumerate(entries)}, merges=[], model_max_length=77
    )


def t5_tokenizer(length: int = 77) -> Any:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -2.0) for word in _words())]
    pieces += [("▁", -3.0), *((character, -5.0) for character in PRINTABLE)]
    return tf.T5Tokenizer(vocab=pieces, extra_ids=10, model_max_length=length)


def qwen_tokenizer() -> Any:
    vocabulary, merges = _byte_pairs()
    tokenizer = tf.Qwen2Tokenizer(vocab=dict(vocabulary), merges=list(merges), model_max_length=2048)
    special = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in special]})
    tokenizer.chat_template = CHAT
    return tokenizer


def fast_tokenizer() -> Any:
    vocabulary, merges = _byte_pairs()
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocabulary), merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=2048, **special)
    fast.chat_template = CHAT
    return fast


def gemma_tokenizer() -> Any:
    entries = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *PRINTABLE]
    entries += [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    return tf.GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=512)


def chatglm_tokenizer() -> Any:
    import sentencepiece
    from diffusers.pipelines.kolors.tokenizer import ChatGLMTokenizer

    folder = Path(tempfile.mkdtemp())
    (folder / "texts").write_text("\n".join(TEXTS * 3))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=150,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return ChatGLMTokenizer(str(folder / "tokenizer.model"))


# Text encoders

_DECODER = {
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": 700,
}


def clip(projected: bool = True) -> Any:
    config = tf.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=600,
        projection_dim=32,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return (tf.CLIPTextModelWithProjection if projected else tf.CLIPTextModel)(config)


def t5(model: Any = tf.T5EncoderModel, config: Any = tf.T5Config) -> Any:
    sizes = {"vocab_size": 300, "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    return model(config(**sizes, feed_forward_proj="gated-gelu", tie_word_embeddings=False))


def gemma2() -> Any:
    return tf.Gemma2Model(tf.Gemma2Config(hidden_size=16, head_dim=8, **_DECODER))


def qwen3(model: Any = tf.Qwen3Model) -> Any:
    return model(tf.Qwen3Config(hidden_size=16, head_dim=8, **_DECODER))


def qwen25vl() -> Any:
    rope = {"mrope_section": [2, 3, 3], "rope_type": "default", "type": "default"}
    text = {"hidden_size": 32, **_DECODER, "rope_scaling": rope, "rope_theta": 1e6}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    config = tf.Qwen2_5_VLConfig(text_config=text, vision_config=vision, hidden_size=32, vocab_size=700)
    return tf.Qwen2_5_VLForConditionalGeneration(config)


def mistral3() -> Any:
    text = {"model_type": "mistral", "hidden_size": 16, "head_dim": 8, **_DECODER}
    vision = {"model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4}
    vision |= {"intermediate_size": 37, "image_size": 30, "patch_size": 6, "num_channels": 3}
    config = tf.Mistral3Config(
        text_config=text, vision_config=vision, image_token_index=1, vision_feature_layer=-1
    )
    return tf.Mistral3ForConditionalGeneration(config)


# Text encoders with their tokenizers

Text = tuple[Any, Any]


def clip_text(projected: bool = True) -> Text:
    return clip(projected), clip_tokenizer()


def t5_text(length: int = 77) -> Text:
    return t5(), t5_tokenizer(length)


def umt5_text(length: int = 77) -> Text:
    return t5(tf.UMT5EncoderModel, tf.UMT5Config), t5_tokenizer(length)


def gemma_text() -> Text:
    return gemma2(), gemma_tokenizer()


# VAEs and schedulers


def vae(channels: int = 4, **more: Any) -> Any:
    return df.AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 16],
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=32,
        **more,
    )


def flow_vae() -> Any:
    return vae(shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False)


def sana_vae() -> Any:
    return df.AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=[1, 1],
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41,
    )


def flux2_vae() -> Any:
    return df.AutoencoderKLFlux2(
        sample_size=32,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(4, 4),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
    )


def flow(**changes: Any) -> Any:
    return df.FlowMatchEulerDiscreteScheduler(**changes)


def shifted_flow() -> Any:
    shift = {"base_shift": 0.5, "max_shift": 1.15, "base_image_seq_len": 256, "max_image_seq_len": 4096}
    return flow(use_dynamic_shifting=True, **shift)


def euler() -> Any:
    return df.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        steps_offset=1,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
    )


# UNets


def unet(**changes: Any) -> Any:
    config = {
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "sample_size": 16,
        "norm_num_groups": 4,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 2,
    }
    return df.UNet2DConditionModel(**{**config, **changes})


def sdxl_unet(**changes: Any) -> Any:
    config = {
        "block_out_channels": (16, 32, 48),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (2, 4, 6),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 80,
        "cross_attention_dim": 64,
    }
    return unet(**{**config, **changes})
