"""Run tests with the lowest versions that `pyproject.toml` allows.

    python -m tools.lowest_versions FOLDER [PYTEST ARGUMENT…]

FOLDER gets a virtual environment with each runtime dependency, and those of the extras `plots` and
`parquet`, at its lower bound. What only developers need is as `constraints.txt` pins it, and so is torch:
its older versions come with gigabytes of CUDA. Without arguments all tests are run.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINNED = ("torch",)


def lowest(requirement: Requirement) -> str:
    """`name==version` of the lower bound."""
    (bound,) = (part.version for part in requirement.specifier if part.operator == ">=")
    return f"{requirement.name}=={bound}"


def constraints() -> list[str]:
    """A line for each package: its lower bound, or the pinned version of what developers need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    runtime = map(Requirement, [*project["dependencies"], *extras["plots"], *extras["parquet"]])
    lowered = {r.name: lowest(r) for r in runtime if r.name not in PINNED}
    developers = {Requirement(line).name for line in extras["dev"]} | {*PINNED}
    pins = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    kept = [str(pin) for pin in pins if pin.name in developers and pin.name not in lowered]
    return [*lowered.values(), *kept]


def main(folder: Path, arguments: list[str]) -> int:
    """Install, and run pytest; its exit status."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    bounds = folder / "lowest.txt"
    bounds.write_text("\n".join(constraints()) + "\n", encoding="utf-8")
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "-c", str(bounds)]
    subprocess.run([*install, "torch"], check=True)
    subprocess.run([*install, "-e", f"{ROOT}[dev,plots,parquet]"], check=True)
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
