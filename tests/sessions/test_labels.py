from pathlib import Path

import pytest

from subspacelens_tui.sessions import Session, SessionError, open_session
from subspacelens_tui.sessions.labels import add_labels
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"[size]\n{LINES}\n".replace('"a lion" = "small"\n', ""), r"\[size\] gives 'a lion' no class"),
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


def test_a_label_file_that_is_not_there_is_said(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="there is no label file"):
        add_labels(session, tmp_path / "nowhere.toml")
