from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.every_image import every_image_result
from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.format import Prompt
from subspacelens_tui.sessions.labels import add_labels
from subspacelens_tui.sessions.writer import replace_manifest
from tests.conftest import CATEGORIES, PlantedSessionFactory

SUBJECTS = [subject for subjects in CATEGORIES.values() for subject in subjects]
LINES = "\n".join(f'"a {subject}" = "{"large" if i % 2 else "small"}"' for i, subject in enumerate(SUBJECTS))


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    return open_session(planted().start().record(1).path)


def test_a_label_file_adds_schemes_to_a_session(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(f"[size]\n{LINES}\n")
    add_labels(session, path)
    assert session.manifest.label_schemes == ("coarse", "fine", "size")
    assert session.labels("size")[:3] == ["small", "large", "small"]
    assert open_session(session.path).manifest.label_schemes == ("coarse", "fine")


def test_a_label_file_may_leave_prompts_out(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = open_session(planted(seeds=4).start().record().path)
    every = len(session.images())
    path = tmp_path / "labels.toml"
    path.write_text(f"[size]\n{LINES}\n".replace('"a lion" = "small"\n', ""))
    assert add_labels(session, path) == [
        f"label file {path}: 1 of 9 prompts has no class in 'size': their images are not used with it"
    ]
    analyzer = Analyzer(session)
    found = analyzer.result(Settings(labels="size", permutations=4))
    assert found.images == every - 4
    assert sorted(found.classes) == ["large", "small"]
    assert not any("lion" in prompt for prompt, _ in found.image_keys)
    assert f"4 of {every} images are not used: no class in 'size'" in found.notes
    assert analyzer.result(Settings(labels="fine")).images == every
    assert every_image_result(session, Settings(labels="size")).layers[0].delta_R == pytest.approx(
        found.layers[0].delta_R
    )
    # They stay when the recorder writes `session.json` anew.
    replace_manifest(session.path, open_session(session.path).manifest)
    session.refresh()
    assert session.manifest.label_schemes == ("coarse", "fine", "size")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"[size]\n{LINES}\n".replace('"a lion" = "small"', '"a lion" = ""'),
            r"\[size\] gives 'a lion' no class",
        ),
        (f'[size]\n{LINES}\n"a bear" = "small"\n', r"\[size\] names 'a bear', which is no prompt"),
        (f"[fine]\n{LINES}\n", "has a scheme 'fine' already"),
        (f"[size]\n{LINES}\n".replace("large", "small"), r"\[size\] has one class only"),
        ("[size\n", "is not TOML"),
        ("", "has no scheme"),
        ("size = 3\n", "size must be a table of lines"),
        ('[size]\n"a lion" = 3\n', "size must be a table of lines"),
    ],
)
def test_mistakes_in_a_label_file_are_named(
    session: Session, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(text)
    with pytest.raises(SessionError, match=message):
        add_labels(session, path)


@pytest.fixture
def accented(planted: PlantedSessionFactory) -> Session:
    """A session with prompts in the composed form."""
    planted_session = planted()
    manifest = planted_session.manifest
    texts = ["a café", "a crème", *(prompt.text for prompt in manifest.prompts[2:])]
    prompts = [
        Prompt(text=text, labels=prompt.labels) for text, prompt in zip(texts, manifest.prompts, strict=True)
    ]
    replace_manifest(planted_session.path, manifest.model_copy(update={"prompts": prompts}))
    return open_session(planted_session.path)


def label_file(folder: Path, scheme: str, labels: dict[str, str]) -> Path:
    path = folder / "labels.toml"
    lines = "".join(f'"{text}" = "{label}"\n' for text, label in labels.items())
    path.write_text(f'["{scheme}"]\n{lines}', encoding="utf-8")
    return path


def test_prompts_schemes_and_labels_are_matched_by_their_looks(accented: Session, tmp_path: Path) -> None:
    texts = [prompt.text for prompt in accented.manifest.prompts]
    labels = dict.fromkeys(texts[2:], "food") | {"a cafe\u0301 ": "café", "a\u00a0cre\u0300me": "cafe\u0301"}
    path = label_file(tmp_path, "cafe\u0301 or food", labels)
    assert add_labels(accented, path) == [
        f"label file {path}: the labels 'caf\\xe9' and 'cafe\\u0301' of 'café or food' look alike: "
        "they are taken as one class, 'café'"
    ]
    assert accented.manifest.label_schemes == ("coarse", "fine", "café or food")
    assert [prompt.labels["café or food"] for prompt in accented.manifest.prompts] == ["café"] * 2 + [
        "food"
    ] * 7
    assert [prompt.text for prompt in accented.manifest.prompts] == texts
    assert accented.resolve_scheme("cafe\u0301  or food") == "café or food"


@pytest.mark.parametrize(
    ("scheme", "more", "message"),
    [
        (
            "kind",
            {"a cafe\u0301": "y"},
            r"\[kind\] names a prompt twice: 'a caf\\xe9' and 'a cafe\\u0301' look alike",
        ),
        ("kind", {"a café": " \u200b"}, r"\[kind\] gives 'a café' no class"),
        ("kind", {"a café": "x "}, r"\[kind\] has one class only"),
        ("kind", {"a café": "x" * 201}, "a name is too long: String should have at most 200 characters"),
        ("fine\u200b", {"a café": "y"}, "the session has a scheme 'fine' already"),
        (" ", {"a café": "y"}, "a scheme has no name"),
    ],
)
def test_mistakes_that_cannot_be_seen_are_named(
    accented: Session, tmp_path: Path, scheme: str, more: dict[str, str], message: str
) -> None:
    texts = [prompt.text for prompt in accented.manifest.prompts]
    path = label_file(tmp_path, scheme, dict.fromkeys(texts, "x") | more)
    with pytest.raises(SessionError, match=message) as raised:
        add_labels(accented, path)
    assert "\n" not in str(raised.value)


def test_a_session_of_an_earlier_version_is_read_as_it_was_recorded_and_says_so(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    recorded = planted()
    prompts = list(recorded.manifest.prompts)
    # Two prompts that look alike, in two classes that look alike.
    prompts[0] = Prompt(text="a café", labels={"coarse": "café", "fine": "café"})
    prompts[1] = Prompt(text="a cafe\u0301", labels={"coarse": "cafe\u0301", "fine": "b"})
    replace_manifest(recorded.path, recorded.manifest.model_copy(update={"prompts": prompts}))
    session = open_session(recorded.start().record(1).path)
    assert session.labels()[:2] == ["café", "cafe\u0301"]
    (problem,) = session.problems
    assert problem.startswith(
        "the labels 'caf\\xe9' and 'cafe\\u0301' of 'coarse' look alike but were recorded as"
    )
    assert problem in Analyzer(session).result(Settings()).notes
    # Each is named by its very text.
    labels = {prompt.text: str(n) for n, prompt in enumerate(prompts)}
    add_labels(session, label_file(tmp_path, "number", labels))
    assert session.labels("number")[:3] == ["0", "1", "2"]


def test_a_label_file_that_is_not_there_is_said(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="there is no label file"):
        add_labels(session, tmp_path / "nowhere.toml")
