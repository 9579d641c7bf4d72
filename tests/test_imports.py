"""What is imported when: the arrows are import-linter's, here is what it cannot see."""

import graphlib
import subprocess
import sys

import grimp
import pytest

HEAVY = {"torch", "diffusers", "transformers", "accelerate"}


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted(sys.modules), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import subspacelens_tui; subspacelens_tui.open_session",
        "import subspacelens_tui.analysis",
        "import subspacelens_tui.geometry",
        "import subspacelens_tui.app.main",
        "import subspacelens_tui.planning, subspacelens_tui.planning.disk_estimate, subspacelens_tui.models",
        "import subspacelens_tui.recording.spawn",
    ],
)
def test_nothing_the_screen_needs_imports_torch(code: str) -> None:
    assert not HEAVY & modules_after(code)


def test_help_waits_for_nothing() -> None:
    loaded = modules_after("from subspacelens_tui.cli.parser import parser; parser().format_help()")
    assert not (HEAVY | {"numpy", "textual", "pydantic", "scipy"}) & loaded


def test_the_screen_starts_without_scipy() -> None:
    assert "scipy" not in modules_after("import subspacelens_tui.app.main")


@pytest.mark.parametrize("command", ["list", "analyze", "show", "export", "compare"])
def test_what_takes_long_to_import_is_imported_where_it_is_used(command: str) -> None:
    loaded = modules_after(
        f"import subspacelens_tui.cli.commands.{command}, subspacelens_tui.analysis.output"
    )
    assert not {"scipy.stats", "scipy.integrate", "scipy.optimize"} & loaded


def test_the_screen_starts_without_what_pictures_need() -> None:
    loaded = modules_after("import subspacelens_tui.app.app")
    assert not {"PIL", "matplotlib", "pyarrow", "subspacelens_tui.app.screens.gallery"} & loaded


def test_no_files_of_the_app_need_each_other_even_for_annotations() -> None:
    graph = grimp.build_graph("subspacelens_tui", cache_dir=None)
    needs = {
        name: {other for other in graph.find_modules_directly_imported_by(name) if ".app." in other}
        for name in graph.modules
        if name.startswith("subspacelens_tui.app.")
    }
    assert len(needs) > 50
    # A circle raises, and its message is the circle.
    list(graphlib.TopologicalSorter(needs).static_order())


def test_a_session_is_read_while_textual_is_imported() -> None:
    assert "textual" not in modules_after("import subspacelens_tui.app.opening")
