"""What the training of the MMDiT takes a shortcut in, against the pipeline that it is trained for."""

import pytest
import torch

from tests.models.tiny_pipelines import enliven
from tools.demo_training.mmdit import MMDiT
from tools.demo_training.vae import new_autoencoder

PROMPTS = ["a lion", "a circus tent on a red background"]


@pytest.mark.parametrize("zeros", [1, 40])
def test_one_token_of_zeros_stands_for_many(zeros: int) -> None:
    torch.manual_seed(0)
    architecture = MMDiT()
    model = architecture.new_model(torch.zeros(8)).eval()
    enliven(model.transformer)
    noisy, timesteps = torch.randn(2, 8, 16, 16), torch.tensor([900.0, 300.0])
    architecture._attention.repeats = zeros
    with torch.no_grad():
        trained = model(noisy, timesteps, *architecture.tokens(PROMPTS))
        pipeline = architecture.pipeline(new_autoencoder(), model)
        words, _, pooled, _ = pipeline.encode_prompt(
            PROMPTS, None, None, do_classifier_free_guidance=False, max_sequence_length=zeros
        )
        used = pipeline.transformer(
            noisy, encoder_hidden_states=words, pooled_projections=pooled, timestep=timesteps
        ).sample
    torch.testing.assert_close(trained, used, rtol=0, atol=1e-5)
    assert used.std() > 0.1
