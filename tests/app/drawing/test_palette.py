"""Colours of matrices: text on every step of every ramp can be read."""

import pytest

from subspacelens_tui.app.drawing.palette import ramp_steps, ramp_style


def luminance(red: int, green: int, blue: int) -> float:
    """By WCAG 2.2, with all channels in one formula."""
    linear = [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in (red, green, blue)]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("diverging", [False, True])
def test_text_has_the_higher_contrast_on_every_step(diverging: bool) -> None:
    for index in range(ramp_steps(diverging)):
        style = ramp_style(index, diverging)
        assert style.color is not None
        assert style.bgcolor is not None
        ink = luminance(*style.color.get_truecolor())
        ground = luminance(*style.bgcolor.get_truecolor())
        contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
        assert ink in (0, pytest.approx(1))
        assert contrast >= 4.4
