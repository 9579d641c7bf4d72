"""What a session opens with where nothing was asked: as it was left, else as the user's settings say."""

from pathlib import Path

from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.app.selection import NO_ERRORS
from subspacelens_tui.app.setup import Setup


def opening_settings(setup: Setup, session: Path) -> Settings:
    """The settings of the analysis that a session opens with."""
    preferences, last = setup.preferences, setup.saved.selection(session)
    first = Settings(eps=preferences.eps, labels=preferences.labels)
    if last is None:
        return first
    try:
        return Settings(
            labels=last.labels,
            eps=last.eps or preferences.eps,
            iso_rate=last.iso_rate,
            branch="uncond" if last.branch == "uncond" else "cond",
            step=last.step,
            guidance=last.guidance,
            features=last.features or first.features,  # type: ignore[arg-type]
            subspace_dim=last.rank,
            design=last.design,  # type: ignore[arg-type]
            errors=None if last.errors == NO_ERRORS else last.errors,  # type: ignore[arg-type]
        )
    except SettingsError:
        # Written by another version, or damaged.
        return first
