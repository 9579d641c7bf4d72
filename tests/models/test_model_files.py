"""Models on the hub and in its cache: a hub of our own, none at all, and offline mode, in real processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.models.conftest import SAFETENSORS, as_pickles, as_variant
from tests.models.fake_hub import COMMIT, FakeHub, fake_hub

PATIENCE = 600
# Says of each source which files would be loaded, or why none.
FINDER = """
import json, sys
from subspacelens_tui.models import ModelError
from subspacelens_tui.models.inspection import find_pipeline
from subspacelens_tui.models.source import ModelSource

said = []
for source in json.loads(sys.argv[1]):
    try:
        found = find_pipeline(ModelSource(**source))
        said.append(sorted(f"{p.name}/{n}" for p in found.parts if p.weights for n in p.weights.files))
    except ModelError as error:
        said.append(str(error))
print(json.dumps(said))
assert "torch" not in sys.modules
"""
# An address of this machine where nothing listens.
NOWHERE = "http://127.0.0.1:9"
WHOLE = ["text_encoder/model.safetensors", f"transformer/{SAFETENSORS}", f"vae/{SAFETENSORS}"]
Finder = Callable[..., list[Any]]


@pytest.fixture
def find(tmp_path: Path) -> Finder:
    """Find pipelines in a process of its own, with a cache of its own; keywords are variables for it."""

    def run(*sources: dict[str, object], **variables: str) -> list[Any]:
        proxies = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
        done = subprocess.run(
            [sys.executable, "-c", FINDER, json.dumps(sources)],
            env={
                **os.environ,
                **proxies,
                "HF_HOME": str(tmp_path / "hf"),
                "HF_HUB_DISABLE_XET": "1",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    return run


@pytest.fixture
def hub(model: Path, lone: Path, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub with the bundled model in several forms."""
    with fake_hub() as running:
        for name, change in (("fp16", as_variant), ("pickles", as_pickles)):
            copy = Path(shutil.copytree(model, tmp_path / name))
            change(copy, "fp16") if name == "fp16" else change(copy)
            running.repositories[f"some/{name}"] = copy
        running.repositories |= {"some/model": model, "some/lone": lone, "some/gated": model}
        running.gated.add("some/gated")
        yield running


def cache(home: Path, repository: str, content: Path, revision: str = "main") -> Path:
    """Put a folder into the hub's cache, as the hub does it; returns its snapshot."""
    there = home / "hub" / f"models--{repository.replace('/', '--')}"
    for file in content.rglob("*"):
        if file.is_file():
            blob = there / "blobs" / f"{abs(hash(file)):x}"
            link = there / "snapshots" / COMMIT / file.relative_to(content)
            for path in (blob, link):
                path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, blob)
            link.symlink_to(os.path.relpath(blob, link.parent))
    (there / "refs").mkdir(exist_ok=True)
    (there / "refs" / revision).write_text(COMMIT)
    return there / "snapshots" / COMMIT


def test_what_is_loaded_is_fetched_and_nothing_else_and_only_once(hub: FakeHub, find: Finder) -> None:
    source = {"model": "some/model"}
    # Things of no use to us, as many repositories have them.
    for beside in ("README.md", "vae/diffusion_pytorch_model.fp16.safetensors", "vae/flax_model.msgpack"):
        (hub.repositories["some/model"] / beside).write_bytes(b"x")
    assert find(source, HF_ENDPOINT=hub.address) == [WHOLE]
    assert set(hub.fetched) == {
        *WHOLE,
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "transformer/config.json",
        "vae/config.json",
    }
    hub.asked.clear()
    assert find(source, HF_ENDPOINT=hub.address) == [WHOLE]
    assert hub.fetched == []
    # Without a network, or with a hub that is down, it is taken from the cache.
    assert find(source, HF_HUB_OFFLINE="1") == find(source, HF_ENDPOINT=NOWHERE) == [WHOLE]
    hub.down = True
    assert find(source, HF_ENDPOINT=hub.address) == [WHOLE]


def test_other_forms_are_refused_before_anything_large_is_fetched(hub: FakeHub, find: Finder) -> None:
    variant, pickles, no_such_variant, lone = find(
        {"model": "some/fp16"},
        {"model": "some/pickles"},
        {"model": "some/fp16", "variant": "bf16"},
        {"model": "some/lone"},
        HF_ENDPOINT=hub.address,
    )
    assert variant.endswith(": add `--variant fp16`")
    assert pickles.endswith("if you trust them, add `--allow-pickle`")
    assert no_such_variant.endswith("no weights of variant 'bf16': `--variant fp16` is there")
    assert lone.startswith("model 'some/lone' is a transformer only: say where the other parts are, `--comp")
    assert set(hub.fetched) == {"model_index.json"}
    assert find(
        {"model": "some/fp16", "variant": "fp16"},
        {"model": "some/pickles", "allow_pickle": True},
        {"model": "some/lone", "components_from": "some/model"},
        HF_ENDPOINT=hub.address,
    ) == [
        [name.replace(".safetensors", ".fp16.safetensors") for name in WHOLE],
        ["text_encoder/pytorch_model.bin", *(name.replace("safetensors", "bin") for name in WHOLE[1:])],
        WHOLE,
    ]


def test_the_hubs_refusals_are_told_apart(hub: FakeHub, find: Finder) -> None:
    missing, gated, revision, name = find(
        {"model": "some/thing"},
        {"model": "some/gated"},
        {"model": "some/model", "revision": "v2"},
        {"model": "no id at all"},
        HF_ENDPOINT=hub.address,
    )
    assert missing.startswith("there is no model 'some/thing': not a folder here, and not a repository")
    assert gated.endswith("accept its licence at https://huggingface.co/some/gated, then run `hf auth login`")
    assert revision == "model 'some/model' has no revision 'v2': leave out `--revision` for the newest"
    assert name.startswith("there is no model 'no id at all'")


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE keeps it from being fetched"),
        ({"HF_ENDPOINT": NOWHERE}, "the hub gave no answer (ConnectionRefusedError: "),
    ],
)
def test_without_the_hub_its_cache_is_all_there_is(
    model: Path, lone: Path, tmp_path: Path, find: Finder, variables: dict[str, str], why: str
) -> None:
    home = tmp_path / "hf"
    cache(home, "some/model", model)
    cache(home, "some/lone", lone)
    cache(home, "some/other", model, revision="v2")
    partial = cache(home, "some/partial", model)
    shutil.rmtree(partial / "vae")
    dead = cache(home, "some/dead", model)
    (dead / "vae" / SAFETENSORS).resolve().unlink()
    cut = cache(home, "some/cut", model)
    os.truncate((cut / "vae" / SAFETENSORS).resolve(), 1000)
    empty = cache(home, "some/empty", model)
    shutil.rmtree(empty)
    as_variant(model, "fp16")
    cache(home, "some/fp16", model)
    said = find(
        *({"model": f"some/{name}"} for name in ("model", "lone", "other", "partial", "dead", "cut", "fp16")),
        {"model": "some/empty"},
        {"model": "some/nothing", "revision": "v2"},
        {"model": "some/model", "variant": "fp16"},
        {"model": "some/other", "revision": "v2"},
        {"model": "some/model", "revision": COMMIT},
        {"model": "some/model", "revision": "v3"},
        {"model": "some/lone", "components_from": "some/model"},
        **variables,
    )
    whole, lone_one, other, partial_one, dead_one, cut_one, fp16, empty_one, nothing, variant, *rest = said
    revision, commit, no_revision, borrowed = rest
    assert whole == revision == commit == borrowed == WHOLE

    def fetch(name: str) -> str:
        return f"run `hf download some/{name}` where there is a network"

    assert lone_one == (
        "of model 'some/lone' the hub's cache has the transformer only: say where the other parts are, "
        f"`--components-from ID|PATH`; or, if it has more on the hub, {fetch('lone')}"
    )
    assert other.startswith(
        "the hub's cache has model 'some/other' in revision v2 only, not main, and " + why
    )
    assert other.endswith(f": add `--revision v2`, or {fetch('other')}")
    assert no_revision.endswith(
        "leave out `--revision`, or run `hf download some/model --revision v3` where there is a network"
    )
    assert partial_one == f"model 'some/partial' is not whole, it lacks its folder vae: {fetch('partial')}"
    assert f"vae/{SAFETENSORS} is a link to " in dead_one
    assert dead_one.endswith(f"where nothing is; {fetch('dead')}")
    assert cut_one.endswith("run `hf download some/cut --force-download` where there is a network")
    assert fp16.endswith(": add `--variant fp16`")
    assert variant.endswith(f"no weights of variant 'fp16': leave out `--variant`, or {fetch('model')}")
    for line, name in ((empty_one, "empty"), (nothing, "nothing")):
        assert line.startswith(f"model 'some/{name}' is neither a folder nor in the hub's cache, and {why}")
