"""How cost grows with images, layers and width: `python -m benchmarks.scale [PART …]`; writes docs/scale.md.

Each number is of a process of its own: its processor time, its wall time and the most memory it held. The
large session is written by the real writer, random features of 2.6 GB among the temporary files, and removed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.planted import write_session
from benchmarks.terminal import Terminal
from validation.markdown import table

PROGRAM = (sys.executable, "-m", "subspacelens_tui")
HERE = Path(__file__).parent
RESULTS, TEMPLATE = HERE / "scale.json", HERE / "scale.md"
DOCUMENT = HERE.parent / "docs" / "scale.md"

RECORDED = (50, 200, 800)
IMAGES = (1_000, 2_500, 10_000)
SHAPE_IMAGES = 1_250
SHAPES = ((7, 1152), (14, 1152), (28, 1152), (28, 288), (28, 576))
PROMPTS = 25

Row = dict[str, Any]

_WRITE = """
import sys
from pathlib import Path
from benchmarks.planted import growing_session
folder, marks = Path(sys.argv[1]), [int(mark) for mark in sys.argv[2:]]
for images in growing_session(folder, seeds=marks[-1] // 25, blocks=28, width=1152, batch=25):
    if images in marks:
        peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
        print(images, int(peak) / 1024, flush=True)
"""


def measured(*words: str) -> Row:
    """Run a command to its end: processor seconds, wall seconds, and the most memory in MiB."""
    before = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(words)} failed")
    wall = time.perf_counter() - before
    return {"cpu": used.ru_utime + used.ru_stime, "wall": wall, "MiB": used.ru_maxrss / 1024}


def recorder() -> list[Row]:
    """Recordings of the bundled model, each longer than the one before."""
    rows = []
    for images in RECORDED:
        with tempfile.TemporaryDirectory(prefix="scale-") as folder:
            size = ("--seeds", str(images // PROMPTS), "--steps", "2", "--batch-size", "5")
            where = ("--sessions", folder, "--name", "run", "--device", "cpu")
            rows.append({"images": images, **measured(*PROGRAM, "record", "--headless", *size, *where)})
    return rows


def written(path: Path, images: int) -> list[Row]:
    """Write a session of so many images; what its writer held when so many of them were written."""
    marks = [mark for mark in IMAGES if mark <= images]
    words = [sys.executable, "-c", _WRITE, str(path), *map(str, marks)]
    told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in told.splitlines()]
    return [{"images": int(mark), "MiB": float(peak)} for mark, peak in rows]


def opened(path: Path) -> Row:
    """The app on a session: seconds from its start to the curves, what it says of a subset, its memory."""
    app = Terminal([*PROGRAM, "replay", str(path)])
    wall = app.wait(lambda text: sum("\u2801" <= char <= "\u28ff" for char in text) > 20)
    used = psutil.Process(app.pid).cpu_times()
    while app.read(3.0):
        pass
    said = re.search(r"a seeded subset: \d+ of \d+", app.text)
    peak = Path(f"/proc/{app.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    app.close()
    return {
        "cpu": used.user + used.system,
        "wall": wall,
        "said": said.group() if said else "",
        "MiB": int(peak) / 1024,
    }


def of_images(count: int) -> Row:
    """What grows with the number of images, 28 layers of 1152, one step, both branches."""
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        path = Path(folder) / "run"
        marks = written(path, count)
        subset = (*PROGRAM, "analyze", str(path), "--json")
        return {
            "images": count,
            "bytes": sum(file.stat().st_size for file in (path / "features").iterdir()),
            "written": marks,
            "app": opened(path),
            "subset": measured(*subset),
            "every": measured(*subset, "--every-image"),
        }


def shape() -> list[Row]:
    """The exact metrics by layers and width."""
    rows = []
    for layers, width in SHAPES:
        with tempfile.TemporaryDirectory(prefix="scale-") as folder:
            path = write_session(Path(folder) / "run", SHAPE_IMAGES // PROMPTS, layers, width)
            row = measured(*PROGRAM, "analyze", str(path), "--json", "--every-image")
            rows.append({"layers": layers, "width": width, **row})
    return rows


PARTS: dict[str, Callable[[], Any]] = {
    "recorder": recorder,
    **{f"images-{count}": partial(of_images, count) for count in IMAGES},
    "shape": shape,
}


def document(results: Row) -> str:
    """The text of docs/scale.md."""
    rows = [results[f"images-{count}"] for count in IMAGES]
    last = rows[-1]
    words = {
        "gigabytes": f"{last['bytes'] / 1e9:.2f}",
        "largest": f"{last['images']:,}",
        "said": last["app"]["said"],
        "recorder": table(
            ["images recorded", "most memory, MiB", "wall, s"],
            [[f"{r['images']}", f"{r['MiB']:.0f}", f"{r['wall']:.0f}"] for r in results["recorder"]],
        ),
        "written": table(
            ["images written", "most memory, MiB"],
            [[f"{r['images']:,}", f"{r['MiB']:.0f}"] for r in last["written"]],
        ),
        "images": table(
            [
                "images",
                "app, to the first curves, s",
                "by the clock",
                "app, MiB",
                "`analyze`, s",
                "MiB",
                "`analyze --every-image`, s",
                "MiB",
            ],
            [
                [
                    f"{r['images']:,}",
                    *(f"{r['app']['cpu']:.1f}", f"{r['app']['wall']:.1f}", f"{r['app']['MiB']:.0f}"),
                    *(text for way in ("subset", "every") for text in _cost(r[way])),
                ]
                for r in rows
            ],
        ),
        "shape": table(
            ["layers × width", "processor time, s", "most memory, MiB"],
            [[f"{r['layers']} × {r['width']}", *_cost(r)] for r in results["shape"]],
        ),
        "shape-images": f"{SHAPE_IMAGES:,}",
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _cost(row: Row) -> tuple[str, str]:
    return f"{row['cpu']:.1f}", f"{row['MiB']:.0f}"


def main() -> None:
    """Measure the parts named, keep the results of the others, and write the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, or document")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - {*PARTS, "document"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in chosen:
        if name != "document":
            results[name] = PARTS[name]()
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if missing := set(PARTS) - set(results):
        print(f"docs/scale.md waits for {', '.join(sorted(missing))}")
    else:
        DOCUMENT.write_text(document(results), encoding="utf-8")


if __name__ == "__main__":
    main()
