"""Finding out how a planned session would be recorded, without recording it."""

from subspacelens_tui.models.discover import discover
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.models.loading import choose_device, choose_dtype, load_pipeline
from subspacelens_tui.models.placement import place
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.recording.conditioning import encode_prompts
from subspacelens_tui.recording.planned_call import call_of
from subspacelens_tui.sessions.format import Manifest

# Of the prompts so many tell how text reaches a model.
_PROMPTS = 2


def layout_of(manifest: Manifest) -> Layout:
    """The layout of the model of a planned session.

    Raises:
        ModelError: if it cannot be loaded, or not recorded.
    """
    asked = manifest.model
    device = choose_device(asked.device)
    dtype = choose_dtype(asked.dtype, device)
    pipeline = load_pipeline(ModelSource.of(asked), dtype, random_init=asked.random_init)
    call = call_of(pipeline, manifest)
    texts = [prompt.text for prompt in manifest.prompts[:_PROMPTS]]
    encoded = encode_prompts(call, texts, manifest.guidance, [range(len(texts))], device)
    place(call.pipeline, device, asked.offload)
    return discover(call, encoded.trial, manifest.inference_steps, manifest.guidance).layout
