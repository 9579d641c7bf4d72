"""Measure again and write docs/validation.md: `python -m validation [PART …]`, all parts unless named."""

import argparse

from threadpoolctl import threadpool_limits

from validation.document import PARTS, read_results, write_document, write_results


def main() -> None:
    """Run the parts named, keep the results of the others, and write the document."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, or document")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - {*PARTS, "document"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    with threadpool_limits(1):
        for name in chosen:
            if name != "document":
                write_results({**read_results(), name: PARTS[name].run()})
    write_document()


if __name__ == "__main__":
    main()
