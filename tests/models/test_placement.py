"""Offloading: it is diffusers' own, and hooks every component that has weights."""

import pytest
import torch

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.placement import place
from subspacelens_tui.models.trial import modules_of
from tests.models.tiny_pipelines import build

CPU = torch.device("cpu")


def test_components_or_layers_come_to_the_device_as_they_run() -> None:
    whole, by_component, by_layer = (build("sd3") for _ in range(3))
    place(whole, CPU, None)
    place(by_component, CPU, "model")
    place(by_layer, CPU, "group")
    for _, component in modules_of(whole):
        assert not {"_hf_hook", "_diffusers_hook"} & component.__dict__.keys()
    assert hasattr(by_component.transformer, "_hf_hook")
    linear = by_layer.transformer.transformer_blocks[0].attn.to_q
    assert linear._diffusers_hook.get_hook("group_offloading") is not None


def test_what_is_offloaded_already_is_refused_in_one_line() -> None:
    pipeline = build("sd3")
    place(pipeline, CPU, "model")
    with pytest.raises(ModelError, match="cannot be recorded with --offload group: ") as raised:
        place(pipeline, CPU, "group")
    assert "\n" not in str(raised.value)
