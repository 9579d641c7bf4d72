"""The call of a pipeline as a session plans it."""

from typing import Any

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.input_images import InputImages, taking_inputs
from subspacelens_tui.sessions.format import Manifest


def call_of(pipeline: Any, manifest: Manifest) -> PipelineCall:
    """The pipeline with the arguments of its call; one that starts from pictures where the session has some.

    Raises:
        ModelError: if its call takes no such arguments, or a picture is not what it was.
    """
    if not manifest.input_images:
        return PipelineCall(pipeline, manifest.call)
    inputs = InputImages(manifest.input_images, [prompt.text for prompt in manifest.prompts])
    return PipelineCall(taking_inputs(pipeline, inputs.arguments), manifest.call, inputs)
