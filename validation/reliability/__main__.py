"""Do the faults again and write docs/reliability.md: `python -m validation.reliability [FAULT …]`."""

import argparse
import time

from validation.reliability.document import FAULTS, write_document, write_results


def main() -> None:
    """Do the faults named, keep the results of the others, and write the document."""
    parser = argparse.ArgumentParser(prog="python -m validation.reliability", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"{', '.join(FAULTS)}, or document")
    chosen = parser.parse_args().faults or list(FAULTS)
    if unknown := set(chosen) - {*FAULTS, "document"}:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}")
    for name in chosen:
        if name != "document":
            began = time.monotonic()
            row = FAULTS[name]()
            print(name, row, f"{time.monotonic() - began:.0f} s", flush=True)
            if row is not None:
                write_results(name, row)
    write_document()


if __name__ == "__main__":
    main()
