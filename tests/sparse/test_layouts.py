"""Files of autoencoders: ours, and others' as their sources write them."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from subspacelens_tui.sparse import Autoencoder, SparseError
from subspacelens_tui.sparse.atoms import top_atoms
from subspacelens_tui.sparse.layouts import load_autoencoder, recipe_of, write_autoencoder
from subspacelens_tui.sparse.recipe import Recipe
from subspacelens_tui.training.pickled import read_pickle

M, D, K = 12, 5, 3
Tensors = dict[str, torch.Tensor]


@pytest.fixture
def parts() -> Tensors:
    random = torch.Generator().manual_seed(0)
    shapes = {"E": (M, D), "b": (M,), "W": (M, D), "c": (D,)}
    return {name: torch.randn(*shape, generator=random) for name, shape in shapes.items()}


def x() -> torch.Tensor:
    return torch.randn(40, D, generator=torch.Generator().manual_seed(1))


def by_torch(parts: Tensors, k: int | None = K, threshold: float = 0.0, shifted: bool = True) -> torch.Tensor:
    """x̂ as all of these libraries compute it."""
    before = (x() - parts["c"] * shifted) @ parts["E"].T + parts["b"]
    active = before.relu() * (before > threshold)
    if k is not None:
        kept = active.topk(k, dim=1)
        active = torch.zeros_like(active).scatter(1, kept.indices, kept.values)
    return active @ parts["W"] + parts["c"]


def reconstructed(of: Autoencoder) -> np.ndarray:
    return of.decode(of.activations(x().double().numpy()))


def configured(folder: Path, name: str = "cfg.json", **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(config), encoding="utf-8")
    return folder


def sparsify(folder: Path, parts: Tensors, dtype: torch.dtype = torch.float32, **config: Any) -> Path:
    names = {"encoder.weight": "E", "encoder.bias": "b", "W_dec": "W", "b_dec": "c"}
    configured(folder, **{"d_in": D, "k": K, "activation": "topk"} | config)
    save_file({name: parts[of].to(dtype) for name, of in names.items()}, folder / "sae.safetensors")
    return folder


def saelens(folder: Path, parts: Tensors, **config: Any) -> Path:
    configured(folder, **{"architecture": "topk", "k": K, "apply_b_dec_to_input": True} | config)
    tensors = {
        "W_enc": parts["E"].T.contiguous(),
        "b_enc": parts["b"],
        "W_dec": parts["W"],
        "b_dec": parts["c"],
    }
    if config.get("architecture") == "jumprelu":
        tensors["threshold"] = torch.full((M,), 0.4)
    save_file(tensors, folder / "sae_weights.safetensors")
    return folder


def test_sparsify(tmp_path: Path, parts: Tensors) -> None:
    loaded = load_autoencoder(sparsify(tmp_path / "a", parts, hookpoint="blocks.3"))
    assert np.allclose(reconstructed(loaded.autoencoder), by_torch(parts).numpy(), atol=1e-5)
    assert (loaded.layout, loaded.hook, loaded.of_update) == ("sparsify", "blocks.3", False)
    half = load_autoencoder(sparsify(tmp_path / "b", parts, torch.bfloat16)).autoencoder
    assert np.array_equal(half.decoder, parts["W"].bfloat16().double().numpy())


@pytest.mark.parametrize("shifted", [True, False])
def test_saelens(tmp_path: Path, parts: Tensors, shifted: bool) -> None:
    folder = saelens(tmp_path / "a", parts, apply_b_dec_to_input=shifted, metadata={"hook_name": "h.3"})
    loaded = load_autoencoder(folder)
    assert np.allclose(reconstructed(loaded.autoencoder), by_torch(parts, shifted=shifted).numpy(), atol=1e-5)
    assert loaded.hook == "h.3"
    jump = load_autoencoder(saelens(tmp_path / "b", parts, architecture="jumprelu")).autoencoder
    assert np.allclose(reconstructed(jump), by_torch(parts, None, 0.4).numpy(), atol=1e-5)
    scaled = load_autoencoder(
        saelens(tmp_path / "c", parts, normalize_activations="expected_average_only_in")
    )
    assert scaled.mean_norm == pytest.approx(D**0.5)


def unbox(folder: Path, parts: Tensors, **more: Any) -> Path:
    configured(folder, "config.json", k=K, d_model=D, n_dirs_local=M)
    state = {
        "encoder.weight": parts["E"],
        "decoder.weight": parts["W"].T,
        "pre_bias": parts["c"],
        "latent_bias": parts["b"],
    }
    torch.save(state | more, folder / "state_dict.pth")
    return folder


def dictionary_learning(folder: Path, parts: Tensors, kind: str = "AutoEncoderTopK") -> Path:
    configured(folder, "config.json", trainer={"dict_class": kind, "k": K, "submodule_name": "blocks.3"})
    state = {"encoder.weight": parts["E"], "encoder.bias": parts["b"], "decoder.weight": parts["W"].T}
    state |= {"b_dec": parts["c"], "k": torch.tensor(K), "threshold": torch.tensor(0.4)}
    torch.save(state, folder / "ae.pt")
    return folder


def test_pickles_only_where_they_are_allowed(tmp_path: Path, parts: Tensors) -> None:
    for folder in (unbox(tmp_path / "a", parts), dictionary_learning(tmp_path / "b", parts)):
        with pytest.raises(SparseError, match="is a pickle, which can run any code: --allow-pickle"):
            load_autoencoder(folder)
        loaded = load_autoencoder(folder, read_pickle)
        assert np.allclose(reconstructed(loaded.autoencoder), by_torch(parts).numpy(), atol=1e-5)
        assert loaded.of_update == (loaded.layout == "sdxl-unbox")
    batch = load_autoencoder(
        dictionary_learning(tmp_path / "c", parts, "BatchTopKSAE"), read_pickle
    ).autoencoder
    assert np.allclose(reconstructed(batch), by_torch(parts, None, 0.4).numpy(), atol=1e-5)


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


def test_code_in_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": Runs()}, tmp_path / "ae.pt")
    with pytest.raises(SparseError, match="holds more than weights, or is damaged"):
        load_autoencoder(tmp_path, read_pickle)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda folder, parts: sparsify(folder, parts, transcode=True), "is a transcoder"),
        (lambda folder, parts: sparsify(folder, parts, k=None), "does not say k"),
        (
            lambda folder, parts: sparsify(folder, parts, activation="groupmax"),
            "'groupmax'; only topk is known",
        ),
        (lambda folder, parts: saelens(folder, parts, architecture="gated"), "'gated'; standard"),
        (
            lambda folder, parts: saelens(folder, parts, normalize_activations="layer_norm"),
            "every token on its own",
        ),
        (lambda folder, parts: unbox(folder, parts, **{"film.weight": parts["b"]}), "FiLM, as DifFRACT"),
        (
            lambda folder, parts: dictionary_learning(folder, parts, "GatedAutoEncoder"),
            "is a GatedAutoEncoder",
        ),
        (
            lambda folder, parts: sparsify(folder, parts | {"W": parts["W"][:, :3].contiguous()}),
            "not \\(12, 3\\)",
        ),
        (lambda folder, parts: sparsify(folder, parts | {"c": parts["c"] * torch.nan}), "is not finite"),
        (lambda folder, parts: configured(folder), "is not an autoencoder: it has neither"),
    ],
)
def test_what_cannot_be_used_says_why(
    tmp_path: Path, parts: Tensors, made: Callable[[Path, Tensors], Path], said: str
) -> None:
    with pytest.raises(SparseError, match=said) as error:
        load_autoencoder(made(tmp_path / "a", parts), read_pickle)
    assert "\n" not in str(error.value)


def test_damaged_files_are_one_line(tmp_path: Path, parts: Tensors) -> None:
    folder = sparsify(tmp_path / "a", parts)
    (folder / "sae.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(SparseError, match="is damaged"):
        load_autoencoder(folder)
    (folder / "cfg.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(SparseError, match="no JSON object"):
        load_autoencoder(folder)


def ours(parts: Tensors) -> Autoencoder:
    E, b, W, c = (parts[name].double().numpy() for name in "EbWc")
    return Autoencoder(E, b, c, W, c, K)


def test_what_is_written_is_read(tmp_path: Path, parts: Tensors) -> None:
    recipe, of = Recipe(atoms=M, k=K), ours(parts)
    write_autoencoder(tmp_path / "a", of, recipe, None, {"session": "s", "block": "b", "images": [1, 2]})
    loaded = load_autoencoder(tmp_path / "a")
    assert np.allclose(reconstructed(loaded.autoencoder), reconstructed(of), atol=1e-6)
    assert (loaded.session, loaded.hook, loaded.images) == ("s", "b", frozenset({1, 2}))
    assert recipe_of(tmp_path / "a") == recipe
    assert recipe_of(tmp_path) is None
    batch = recipe.model_copy(update={"batch_topk": True})
    write_autoencoder(tmp_path / "b", of, batch, 0.4, {})
    found = reconstructed(load_autoencoder(tmp_path / "b").autoencoder)
    assert np.allclose(found, reconstructed(replace(of, k=None, threshold=np.full(M, 0.4))), atol=1e-6)


def test_sparsify_loads_what_we_write(tmp_path: Path, parts: Tensors) -> None:
    """By its own code, where it is installed."""
    if "sparsify" not in sys.modules:
        pytest.importorskip("sparsify", exc_type=ImportError)
    from sparsify import SparseCoder

    write_autoencoder(tmp_path / "a", ours(parts), Recipe(atoms=M, k=K), None, {"session": "s"})
    theirs = SparseCoder.load_from_disk(tmp_path / "a")
    with torch.no_grad():
        acts, indices, _ = theirs.encode(x())
        found = theirs.decode(acts, indices).numpy()
    assert np.abs(found - reconstructed(ours(parts))).max() < 1e-5


def test_atoms_say_what_they_are_active_for() -> None:
    """Atom 0 for a class, atom 1 for a position, atom 2 for nothing."""
    rng = np.random.default_rng(0)
    N, T = 60, 16
    classes, cells = np.arange(N) % 3, np.tile(np.arange(T) // 4, (N, 1))
    active = np.stack(
        [
            np.repeat(classes == 1, T).reshape(N, T),
            cells == 2,
            rng.random((N, T)) < 0.3,
        ],
        axis=2,
    )
    tokens = active * (rng.random((N, T, 3)) + 1) * [3, 2, 1]
    of = Autoencoder(np.eye(3), np.zeros(3), np.zeros(3), np.eye(3), np.zeros(3), 3)
    found = {atom.atom: atom for atom in top_atoms(of, of, tokens, classes, cells)}
    assert list(found) == [0, 1, 2]
    assert found[0].of_class == pytest.approx(1, abs=0.1)
    assert found[1].of_position == pytest.approx(1, abs=0.1)
    assert abs(found[2].of_class) < 0.05
    assert abs(found[2].of_position or 0) < 0.05
    assert all(classes[image] == 1 for image in found[0].images)
    assert found[1].share == pytest.approx(0.25)
    assert all(atom.cosine == pytest.approx(1) for atom in found.values())
    assert all(atom.of_position is None for atom in top_atoms(of, None, tokens, classes, "several sizes"))
