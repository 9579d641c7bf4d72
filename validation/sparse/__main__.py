"""Measure again and write docs/sparse.md: `python -m validation.sparse [planted|demo|document …]`."""

import argparse
from pathlib import Path

from validation.sparse import demo, planted
from validation.sparse.document import read_results, write_document, write_results


def main() -> None:
    """Run the parts named, all unless named, keep the results of the others, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m validation.sparse", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--sessions", type=Path, help="where the demo's sessions are, or are recorded to")
    asked = parser.parse_args()
    parts = asked.parts or ["planted", "demo"]
    if "planted" in parts:
        write_results({**read_results(), "planted": planted.run()})
    if "demo" in parts:
        write_results({**read_results(), "demo": demo.run(asked.sessions)})
    write_document()


if __name__ == "__main__":
    main()
