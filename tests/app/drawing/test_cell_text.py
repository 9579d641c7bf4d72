import pytest
from rich.cells import cell_len

from subspacelens_tui.app.drawing.cell_text import cut, fit


@pytest.mark.parametrize("width", range(0, 9))
@pytest.mark.parametrize("text", ["", "lion", "cathedral", "狮子狮子狮子"])
def test_fit_is_exact_and_cut_never_wider(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit(text, width, "right")) == width
    assert cell_len(cut(text, width)) <= width


def test_what_is_cut_says_so() -> None:
    assert cut("cathedral", 5) == "cath…"
