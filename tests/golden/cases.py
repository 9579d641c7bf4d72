"""What is recorded: command lines over sessions that are planted the same way each time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.analysis import token_sessions
from tests.conftest import PlantedSession

VIEWS = ("raw", "centred", "class-centred", "unit", "trace")
ERRORS = ("image", "seed", "subject", "seed+subject")
DESIGNS = ("free", "within-seed", "fine-within-coarse", "subjects")
DEMO = str(Path(__file__).parents[2] / "sessions" / "demo-small")

Alter = Callable[[int, np.ndarray, list[int]], np.ndarray]


@dataclass(frozen=True)
class Case:
    """One command line.

    Attributes:
        name: of its file.
        arguments: as typed; `{to}` stands for a folder of its own.
        most: so many images are analysed at most, so that a small session stands for a large one.
    """

    name: str
    arguments: tuple[str, ...]
    most: int | None = None


def plant(folder: Path) -> None:
    """Write the sessions that the cases are of."""

    def session(name: str, alter: Alter | None = None, **options: object) -> None:
        kept = {} if alter is None else {"alter": alter}
        PlantedSession(folder / name, **{"layers": 3, "width": 16, **options, **kept}).start().record()  # type: ignore[arg-type]

    session("small", seeds=3, timesteps=[float(999 - 50 * step) for step in range(20)])
    session("wide", seeds=2, width=40, capture_steps=(3,))
    session("scales", seeds=2, guidance=(1.0, 3.0))
    session("massive", _massive, seeds=3, width=20)
    session("bad", _bad, seeds=3)
    session("offset", lambda layer, features, images: features + 3e4, seeds=3)
    session("zero", lambda layer, features, images: features * (layer != 1), seeds=2)
    session("one-seed", seeds=1)
    _plant_tokens(folder / "tokens")
    _plant_tokens(folder / "massive-tokens", massive=True)


def _massive(layer: int, features: np.ndarray, images: list[int]) -> np.ndarray:
    features[..., 5] = 10.0 ** (2 * layer + 4) * (1 + 0.05 * features[..., 5])
    return features


def _bad(layer: int, features: np.ndarray, images: list[int]) -> np.ndarray:
    for place, image in enumerate(images):
        if image == 4 and layer == 1:
            features[place] = np.nan
        if image == 7:
            features[place] = 0
    return features


def _plant_tokens(path: Path, massive: bool = False) -> None:
    rng = np.random.default_rng(3)
    means = rng.standard_normal((token_sessions.IMAGES, 1, 12))
    layers = [(1 + i) * (rng.standard_normal((token_sessions.IMAGES, 20, 12)) + means) for i in range(2)]
    if massive:
        layers[1][..., 4] = 1e7 * (1 + 0.05 * layers[1][..., 4])
    path.parent.mkdir(parents=True, exist_ok=True)
    token_sessions.plant(path, layers, kept=4)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _analyze_small()
    yield from _analyze_others()
    yield from _every_image()
    yield from _tokens()
    yield from _sweeps_and_tables()
    yield from _compared()
    yield from _exports()


def _json(name: str, *arguments: str, most: int | None = None) -> Case:
    return Case(name, ("analyze", *_explicit(arguments), "--json"), most)


def _explicit(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments with the null and the errors named, so that no record depends on what is the default."""
    named = (("--permutations", "0"), ("--errors", "image"))
    return (*arguments, *(word for pair in named if pair[0] not in arguments for word in pair))


def _analyze_small() -> Iterator[Case]:
    for view in VIEWS:
        for labels in ("coarse", "fine"):
            yield _json(f"small-{view}-{labels}", "small", "--features", view, "--labels", labels)
            null = ("--permutations", "12", "--thorough", "--rank", "2")
            yield _json(
                f"small-{view}-{labels}-thorough", "small", "--features", view, "--labels", labels, *null
            )
        for errors in ERRORS:
            asked = ("--features", view, "--errors", errors, "--thorough", "--rank", "2")
            yield _json(f"small-{view}-errors-{errors}", "small", *asked)
        yield _json(
            f"small-{view}-iso", "small", "--features", view, "--iso-rate", "9", "--permutations", "9"
        )
        yield _json(
            f"massive-{view}",
            *("massive", "--features", view, "--permutations", "9", "--thorough", "--rank", "2"),
        )
        yield _json(f"massive-{view}-subject", "massive", "--features", view, "--errors", "subject")
    for design in DESIGNS:
        for labels in ("coarse", "fine"):
            asked = ("--design", design, "--labels", labels, "--permutations", "15", "--seed", "3")
            yield _json(f"small-{design}-{labels}", "small", *asked)
    for eps in ("0.01", "5", "1e6"):
        yield _json(f"small-eps-{eps}", "small", "--eps", eps, "--permutations", "9")
    yield _json("small-none", "small", "--errors", "none")
    yield _json("small-uncond", "small", "--branch", "uncond", "--step", "5", "--permutations", "9")
    yield _json("small-rank-too-large", "small", "--rank", "30", "--permutations", "9", "--thorough")


def _analyze_others() -> Iterator[Case]:
    for session in ("wide", "scales", "bad", "offset", "zero", "one-seed", "massive"):
        for labels in ("coarse", "fine"):
            asked = ("--labels", labels, "--permutations", "9", "--thorough")
            yield _json(f"{session}-{labels}", session, *asked)
        for view in ("centred", "class-centred", "unit"):
            yield _json(f"{session}-{view}", session, "--features", view, "--errors", "seed+subject")
    yield _json("scales-3", "scales", "--guidance", "3", "--branch", "uncond", "--permutations", "9")
    yield _json("subset", "small", "--permutations", "9", "--seed", "5", most=18)
    yield _json("subset-fine", "small", "--labels", "fine", "--features", "centred", most=18)
    for labels in ("coarse", "fine"):
        yield _json(f"demo-{labels}", DEMO, "--labels", labels)
    yield _json("demo-null", DEMO, "--permutations", "8", "--errors", "seed+subject", "--features", "unit")
    for text in (
        ("small",),
        ("small", "--permutations", "9", "--thorough"),
        ("zero", "--iso-rate", "5"),
        ("massive", "--permutations", "9"),
        ("tokens", "--tokens", "--permutations", "9"),
        ("small", "--every-image", "--design", "subjects", "--permutations", "9"),
        ("small", "--sweep", "effective_rank"),
        ("small", "--tables", "--permutations", "9"),
    ):
        yield Case("text-" + "-".join(word.strip("-") for word in text), ("analyze", *text))
    yield Case("text-compare", ("compare", "small", "small@branch=uncond", "--permutations", "9"))


def _every_image() -> Iterator[Case]:
    for view in VIEWS:
        for labels in ("coarse", "fine"):
            asked = ("--every-image", "--features", view, "--labels", labels, "--permutations", "9")
            null = ("--design", "subjects", "--errors", "subject", "--thorough", "--rank", "2")
            yield _json(f"every-{view}-{labels}", "small", *asked, *null)
        yield _json(
            f"every-massive-{view}",
            *("massive", "--every-image", "--features", view, "--rank", "2"),
            *("--errors", "subject", "--design", "subjects", "--permutations", "9"),
        )
    yield _json("every-iso", "small", "--every-image", "--iso-rate", "9", "--errors", "image")
    yield _json("every-free", "small", "--every-image", "--design", "free", "--permutations", "9")
    for session in ("bad", "zero", "offset", "wide", "scales"):
        yield _json(f"every-{session}", session, "--every-image", "--errors", "subject")
    yield _json("every-demo", DEMO, "--every-image", "--errors", "none")


def _tokens() -> Iterator[Case]:
    for view in VIEWS:
        for labels in ("coarse", "fine"):
            asked = ("--tokens", "--features", view, "--labels", labels, "--permutations", "7")
            yield _json(f"tokens-{view}-{labels}", "tokens", *asked, "--rank", "2")
        yield _json(
            f"tokens-{view}-seed", "tokens", "--tokens", "--features", view, "--errors", "seed+subject"
        )
        yield _json(f"tokens-massive-{view}", "massive-tokens", "--tokens", "--features", view, "--rank", "2")
    yield _json("tokens-massive-subject", "massive-tokens", "--tokens", "--errors", "subject")
    yield _json(
        "tokens-massive-null", "massive-tokens", "--tokens", "--permutations", "7", "--errors", "seed"
    )
    yield _json("tokens-iso", "tokens", "--tokens", "--iso-rate", "6", "--errors", "subject")
    yield _json("tokens-massive-iso", "massive-tokens", "--tokens", "--iso-rate", "30", "--errors", "subject")
    yield _json("tokens-none", "tokens", "--tokens", "--errors", "none")
    yield _json("tokens-means", "tokens", "--permutations", "9", "--thorough")


def _sweeps_and_tables() -> Iterator[Case]:
    for metric in ("R", "ratio", "effective_rank", "participation_ratio_unbiased", "overlap_mean", "hoyer"):
        yield _json(f"sweep-{metric}", "scales", "--sweep", metric, "--guidance", "3")
    for metric in ("excess", "z"):
        yield _json(f"sweep-{metric}", "scales", "--sweep", metric, "--permutations", "9")
    for session in ("small", "scales", "massive"):
        yield _json(f"tables-{session}", session, "--tables", "--permutations", "9")


def _compared() -> Iterator[Case]:
    for name, a, b, more in (
        ("branches", "small", "small@branch=uncond", ("--permutations", "9")),
        ("steps", "small@step=5", "small@step=19", ("--features", "centred")),
        ("sessions", "small", "massive", ("--errors", "seed")),
        ("schemes", "small@labels=coarse", "small@labels=fine", ("--permutations", "9", "--thorough")),
        ("subjects", "massive@step=5", "massive", ("--errors", "subject", "--permutations", "9")),
        ("eps", "small@eps=0.1", "small@eps=2,features=unit", ("--errors", "none")),
    ):
        yield Case(f"compare-{name}", ("compare", a, b, *_explicit(more), "--json"))


def _exports() -> Iterator[Case]:
    for session in ("small", "scales", "massive", "tokens", "bad"):
        few = ("--permutations", "6", "--format", "csv,json")
        yield Case(f"export-{session}", ("export", session, "--to", "{to}", *few))
    yield Case(
        "export-unit", ("export", "small", "--to", "{to}", "--features", "unit", "--permutations", "6")
    )
    yield Case(
        "export-plots",
        ("export", "scales", "--to", "{to}", "--format", "csv,svg", "--permutations", "6"),
    )
