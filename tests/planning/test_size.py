"""How much room a session will take."""

import json
from pathlib import Path

from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.planning.size import TransformerShape, size_line, transformer_shape


def test_the_size_of_a_model_that_is_not_here_is_that_of_a_pixart_xl(tmp_path: Path) -> None:
    assert transformer_shape("nobody/nothing") is None
    assert transformer_shape(str(tmp_path)) is None
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "config.json").write_text("[1]")
    assert transformer_shape(str(tmp_path)) is None
    config = {"num_layers": 2, "num_attention_heads": 3, "attention_head_dim": 4}
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(config))
    assert transformer_shape(str(tmp_path)) == TransformerShape(2, 12)
    manifest = plan(Request(model="nobody/nothing", tokens=16))
    line = size_line(manifest, tmp_path)
    assert "0.6 GiB without tokens, 10.2 GiB with 16" in line
    assert "if the model has 28 blocks of width 1152 as PixArt-XL has; " in line
