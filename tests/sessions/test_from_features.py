"""Activations of any origin become sessions that are read like recorded ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from subspacelens_tui import Session
from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.geometry import rate_reduction
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.feature_import import read_arrays
from subspacelens_tui.sessions.from_features import write_session

CLASSES = np.repeat(["cat", "dog", "owl"], 10)
N, WIDTH = len(CLASSES), 8


def layers(count: int = 3, *axes: int) -> list[Any]:
    rng = np.random.default_rng(5)
    return [rng.normal(size=(N, *axes, WIDTH)) for _ in range(count)]


def test_metrics_of_a_session_made_of_arrays_are_those_of_the_arrays(tmp_path: Path) -> None:
    Z = layers()
    session = Session.from_features(Z, CLASSES, name="mine", sessions=tmp_path)
    assert session.path == tmp_path / "mine"
    assert session.state.words == "finished"
    assert not session.problems
    result = Analyzer(session).result(Settings(errors="image", permutations=20))
    for layer, own in zip(result.layers, Z, strict=True):
        columns = own.T.astype(np.float32)
        assert layer.delta_R == pytest.approx(rate_reduction(columns, CLASSES, 0.5).delta_R, abs=1e-9)
        assert layer.null is not None
        assert layer.errors["delta_R"].standard_error > 0


def test_every_axis_goes_where_it_belongs(tmp_path: Path) -> None:
    blocks = {"down": torch.randn(N, 2, 3, WIDTH, dtype=torch.bfloat16), "up": torch.randn(N, 2, 3, 4)}
    session = Session.from_features(
        blocks,
        {"kind": list(CLASSES), "half": np.arange(N) % 2},
        prompts=[f"a {name}" for name in CLASSES],
        seeds=list(range(10)) * 3,
        steps=[0, 4, 9],
        guidance=3.0,
        layer_input=np.ones((N, 2, 3, 5)),
        pictures=[Image.new("RGB", (9, 9), (i, 0, 0)) for i in range(N)],
        model="a UNet",
        sessions=tmp_path,
    )
    assert session.manifest.input_width == 5
    assert session.manifest.steps == 10
    assert session.manifest.label_schemes == ("kind", "half")
    # A prompt has one class under each scheme: those of both halves are two.
    assert len(session.manifest.prompts) == 6
    assert {image.seed for image in session.manifest.images} == set(range(10))
    for layer, (name, block) in enumerate(blocks.items()):
        assert session.manifest.blocks[layer].name == name
        for b, branch in enumerate(("cond", "uncond")):
            for s, step in enumerate((0, 4, 9)):
                expected = block[:, b, s].float().numpy().T
                np.testing.assert_array_equal(session.features(layer, branch, step), expected)  # type: ignore[arg-type]
    assert len(list((session.path / "images").iterdir())) == N


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"arrays": [Z.T for Z in layers()]}, "30 labels of 'labels' for 8 images"),
        ({"arrays": [layers()[0], layers()[0][:5]]}, "'layer 1' has 5 images, the first layer has 30"),
        ({"arrays": layers()[0] * 1e300}, "not finite in float32 for 30 of 30"),
        ({"arrays": layers()[0].astype(np.float64) + 1e6}, "differ in digits float32 does not keep"),
        ({"arrays": torch.arange(N)[:, None] + 10**9}, "differ in digits float32 does not keep"),
        ({"arrays": np.array([["x"]])}, "not of numbers"),
        ({"arrays": []}, "no layers"),
        ({"arrays": np.float32(3)}, "has the shape"),
        ({"arrays": layers(1, 2)}, "has 2 steps, and `steps` names 1"),
        ({"arrays": layers(1, 3, 1)}, "3 branches"),
        ({"arrays": np.ma.masked_greater(layers()[0], 1)}, "has masked values"),
        ({"labels": {}}, "no labels"),
        ({"labels": None}, "give the class of each image"),
        ({"labels": [float("nan"), *CLASSES[1:]]}, "the label of image 0 in 'labels' is nan"),
        ({"labels": [*CLASSES[:-1], None]}, "the label of image 29 in 'labels' is None"),
        ({"labels": np.array([CLASSES, CLASSES]).T}, "the label of image 0"),
        ({"labels": [*CLASSES[:-1], ""]}, "image 29 has no label"),
        ({"labels": {"a": CLASSES, "a ": CLASSES}}, "same name"),
        ({"seeds": [1]}, "1 seeds for 30"),
        ({"seeds": [-1] * N}, "greater than or equal to 0"),
        ({"prompts": ["x"]}, "1 prompts for 30"),
        ({"pictures": []}, "0 pictures for 30"),
        ({"arrays": layers(1, 2), "steps": [3, 1]}, "ascend"),
        ({"layer_input": layers()[0][:4]}, "the layer input has 4 images"),
        ({"name": "a/b"}, "no name for a session"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    tmp_path: Path, wrong: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(SessionError, match=says) as caught:
        Session.from_features(**{"arrays": layers(), "labels": CLASSES, "sessions": tmp_path} | dict(wrong))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    Session.from_features(layers(), CLASSES, name="mine", sessions=tmp_path)
    before = (tmp_path / "mine/session.json").read_bytes()
    with pytest.raises(SessionError, match="already"):
        Session.from_features(layers(), CLASSES, name="mine", sessions=tmp_path)
    assert (tmp_path / "mine/session.json").read_bytes() == before


def imported(tmp_path: Path, *arguments: Any) -> Session:
    return Session(write_session(read_arrays(*arguments), "imported", tmp_path))


def test_an_npz_file_becomes_a_session(tmp_path: Path) -> None:
    Z = layers(11)
    file = tmp_path / "sae.npz"
    np.savez(file, **{f"block.{i}": Z[i] for i in range(11)}, labels=CLASSES, seeds=np.arange(N), note="mine")
    session = imported(tmp_path, file)
    assert [block.name for block in session.manifest.blocks] == [f"block.{i}" for i in range(11)]
    assert session.manifest.capture_steps == [0]
    assert session.labels() == list(CLASSES)
    assert session.manifest.model.id == "sae"
    np.testing.assert_array_equal(session.features(10), Z[10].T.astype(np.float32))


def test_a_safetensors_file_in_bfloat16_becomes_a_session(tmp_path: Path) -> None:
    Z = torch.randn(N, WIDTH).to(torch.bfloat16)
    numbers = torch.arange(N, dtype=torch.int64) // 10
    file = tmp_path / "f.safetensors"
    save_file(
        {"layer": Z, "labels.kind": numbers},
        file,
        metadata={"labels.kind": json.dumps(["cat", "dog", "owl"])},
    )
    session = imported(tmp_path, file)
    assert session.labels("kind") == list(CLASSES)
    np.testing.assert_array_equal(session.features(0), Z.float().numpy().T)


@pytest.mark.parametrize("names", ['["cat", "dog"]', '{"0": "cat"}', '"cat dog owl"'])
def test_every_class_of_a_safetensors_file_needs_its_name(names: str, tmp_path: Path) -> None:
    file = tmp_path / "f.safetensors"
    tensors = {"layer": torch.randn(N, WIDTH), "labels.kind": torch.arange(N) // 10}
    save_file(tensors, file, metadata={"labels.kind": names})
    with pytest.raises(SessionError, match=r"its metadata does not name every class of labels\.kind"):
        read_arrays(file)


def test_names_of_classes_need_their_array(tmp_path: Path) -> None:
    file = tmp_path / "f.safetensors"
    tensors = {"layer": torch.randn(N, WIDTH), "labels.kind": torch.arange(N) // 10}
    save_file(tensors, file, metadata={"labels.knd": '["cat", "dog", "owl"]'})
    with pytest.raises(SessionError, match=r"names the classes of labels\.knd, and there is no such array"):
        read_arrays(file)
    save_file(tensors, file, metadata={"labels.kind": "cat, dog, owl"})
    with pytest.raises(SessionError, match=r"no JSON list of the classes of labels\.kind"):
        read_arrays(file)


def test_a_table_names_prompts_seeds_and_classes(tmp_path: Path) -> None:
    file, table = tmp_path / "f.npz", tmp_path / "t.csv"
    np.savez(file, a=layers()[0])
    rows = [f'"a {name}, sitting",{i % 10},{name}' for i, name in enumerate(CLASSES)]
    table.write_text("\ufeff" + "\r\n".join(["prompt,seed,kind", *rows]), encoding="utf-8")
    session = imported(tmp_path, file, table)
    assert session.manifest.label_schemes == ("kind",)
    assert session.labels() == list(CLASSES)
    assert session.manifest.prompts[0].text == "a cat, sitting"
    assert len(session.manifest.prompts) == 3


@pytest.mark.parametrize(
    ("arrays", "table", "says"),
    [
        ({"a": layers()[0]}, None, "has no labels"),
        ({"labels": CLASSES}, None, "no layer"),
        ({"a": layers()[0], "labels": np.array([{}], dtype=object)}, None, "Python objects"),
        ({"a": layers()[0]}, "kind\ncat,dog\n", "more or fewer cells"),
        ({"a": layers()[0]}, "kind\n", "no rows"),
        ({"a": layers()[0]}, "kind,kind\na,b\n", "two columns"),
        ({"a": layers()[0]}, "seed,kind\nx,b\n", "not a whole number"),
        ({"a": layers()[0], "labels": CLASSES, "steps": "x"}, None, "`steps`"),
        ({"a": layers()[0], "labels": CLASSES, "prompt": CLASSES}, None, "'prompt': rename it to 'prompts'"),
        ({"a": layers()[0], "labels": CLASSES, "Seed": range(N)}, None, "'Seed': rename it to 'seeds'"),
        ({"a": layers()[0], "label.kind": CLASSES, "labels": CLASSES}, None, "rename it to 'labels.kind'"),
        ({"a": layers()[0]}, "prompt;seed;kind\na;1;b\n", "separate columns by commas"),
    ],
)
def test_a_file_that_makes_no_session_is_one_line(
    tmp_path: Path, arrays: dict[str, Any], table: str | None, says: str
) -> None:
    np.savez(tmp_path / "f.npz", **arrays)
    if table is not None:
        (tmp_path / "t.csv").write_text(table)
    with pytest.raises(SessionError, match=says) as caught:
        read_arrays(tmp_path / "f.npz", None if table is None else tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.npz", "text.npz", "text.safetensors", "text.txt"])
def test_what_is_no_such_file_is_one_line(tmp_path: Path, name: str) -> None:
    if not name.startswith("missing"):
        (tmp_path / name).write_text("nothing of the kind")
    with pytest.raises(SessionError, match=r"there is no file|cannot be read|neither"):
        read_arrays(tmp_path / name)
