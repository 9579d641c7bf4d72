"""What the training of the MMDiT takes a shortcut in, against the pipeline that it is trained for; the classifier."""

from pathlib import Path

import numpy as np
import pytest
import torch

from subspacelens_tui.demo.classifier import load_classifier
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.pictures import read_picture
from tests.models.tiny_pipelines import enliven
from tools.demo_training import classifier
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


def test_the_classifier_is_written_as_it_was_trained(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = classifier.new_classifier()
    pictures = torch.randint(0, 256, (70, 3, 64, 64), dtype=torch.uint8)
    model(pictures.float() / 127.5 - 1)  # so that the normalisation does something
    model.eval()
    classifier.export(model, tmp_path / "of.safetensors")
    read = load_classifier(tmp_path / "of.safetensors")
    rows = pictures.permute(0, 2, 3, 1).flatten(1).numpy().astype(np.float32)
    with torch.no_grad():
        logits = model(pictures.float() / 127.5 - 1).numpy()
    np.testing.assert_allclose(read.logits(rows), logits, atol=5e-3)
    named = [read.subjects.index(name) for name in read(rows).tolist()]
    assert named == classifier.predict(model, pictures).tolist()


def test_the_classifier_that_ships_knows_what_the_bundled_model_draws() -> None:
    session = open_session(Path(__file__).parents[1] / "sessions" / "demo-small")
    images = session.images(3.0)
    pictures = np.stack([np.asarray(read_picture(session, image, 64)).ravel() for image in images])
    assert load_classifier()(pictures).tolist() == session.labels("fine", 3.0)
