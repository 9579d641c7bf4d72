"""How much disk a session will take, and the shape of the model that it depends on."""

import json
from pathlib import Path

from subspacelens_tui.planning.disk_estimate import feature_bytes
from subspacelens_tui.planning.pipeline_shape import (
    DenoiserShape,
    PictureShape,
    denoiser_shape,
    picture_shape,
)
from subspacelens_tui.planning.plan import Request, plan


def test_the_shape_is_read_from_the_configuration(tmp_path: Path) -> None:
    assert denoiser_shape("nobody/nothing") is None
    assert denoiser_shape(str(tmp_path)) is None
    assert picture_shape(tmp_path, None) is None
    for part in ("transformer", "vae"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "config.json").write_text("[1]")
    assert denoiser_shape(str(tmp_path)) is None
    assert picture_shape(tmp_path, tmp_path) is None
    config = {"num_layers": 2, "num_attention_heads": 3, "attention_head_dim": 4}
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(config))
    assert denoiser_shape(str(tmp_path)) == DenoiserShape((12, 12))
    (tmp_path / "transformer" / "config.json").write_text(
        json.dumps({**config, "sample_size": 64, "patch_size": 2})
    )
    assert denoiser_shape(str(tmp_path)) == DenoiserShape((12, 12), tokens=1024)
    (tmp_path / "vae" / "config.json").write_text(json.dumps({"block_out_channels": [128, 256, 512, 512]}))
    assert picture_shape(tmp_path, tmp_path) == PictureShape(512, 128)


def test_the_size_of_the_features() -> None:
    # 500 images × 2 branches × 5 steps × (1 + 28 · (1 + tokens)) vectors × 1152 × 4 bytes
    manifest = plan(Request(model="nobody/nothing", tokens=16))
    assert feature_bytes(manifest, DenoiserShape((1152,) * 28)) == 5000 * (1 + 28 * 17) * 1152 * 4
    assert feature_bytes(manifest, DenoiserShape((1152,) * 28), tokens=0) == 5000 * 29 * 1152 * 4
