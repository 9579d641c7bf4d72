"""Label files: TOML that adds label schemes to a session that is recorded already (docs/prompt-sets.md)."""

import tomllib
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import Manifest, Prompt
from subspacelens_tui.sessions.reader import Session


def add_labels(session: Session, path: Path) -> None:
    """Add the schemes of a label file to an open session; nothing on disk is changed.

    Raises:
        SessionError: with one clear line, if the file cannot be read or does not fit the prompts.
    """
    schemes = _read(path)
    for scheme, classes in schemes.items():
        _check(session.manifest, scheme, classes, path)
    session.manifest = session.manifest.model_copy(
        update={
            "prompts": [
                Prompt(
                    text=prompt.text,
                    labels={**prompt.labels, **{scheme: schemes[scheme][prompt.text] for scheme in schemes}},
                )
                for prompt in session.manifest.prompts
            ]
        }
    )


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SessionError(f"there is no label file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(f"label file {path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SessionError(f"label file {path} is not TOML: {error}") from None
    if not found:
        raise SessionError(
            f'label file {path} has no scheme: write [name], then a line "prompt" = "class" for each'
        )
    for scheme, classes in found.items():
        if not isinstance(classes, dict) or not all(
            isinstance(label, str) and label for label in classes.values()
        ):
            raise SessionError(f'label file {path}: {scheme} must be a table of lines "prompt" = "class"')
    return found


def _check(manifest: Manifest, scheme: str, classes: dict[str, str], path: Path) -> None:
    texts = [prompt.text for prompt in manifest.prompts]
    if scheme in manifest.label_schemes:
        raise SessionError(f"label file {path}: the session has a scheme {scheme!r} already")
    if missing := [text for text in texts if text not in classes]:
        raise SessionError(f"label file {path}: [{scheme}] gives {missing[0]!r} no class")
    if unknown := [text for text in classes if text not in texts]:
        raise SessionError(
            f"label file {path}: [{scheme}] names {unknown[0]!r}, which is no prompt of the session"
        )
    if len(set(classes.values())) < 2:
        raise SessionError(f"label file {path}: [{scheme}] has one class only")
