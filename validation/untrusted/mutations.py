"""Seeded damage to a session: bytes, JSON, headers, tensors, texts, and what a file is."""

import contextlib
import json
import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

from validation.untrusted.texts import TEXTS

Mutation = Callable[[Path, random.Random], None]

_NUMBERS = (0, -1, 1, 2, 255, 2**31, 2**53 + 1, 2**63, 2**64, 2**70, 10**400, 0.5, -0.0, 1e-320, 1e308)
_CONSTANTS = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000)
_FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, 1e20)
_FILE_NAMES = ("\x1b[31m.safetensors", "a\nb.safetensors", "events.2.jsonl")
_DEEP_ENOUGH = 10
# What was made larger than this is not changed further: it would grow a thousandfold each time.
_LARGEST = 2**20
_MISPLACED = "a constant that JSON has no word for"


def hostile_value(rng: random.Random) -> Any:
    """Any JSON value, as unlikely as it gets."""
    return rng.choice(
        (
            lambda: rng.choice(_NUMBERS),
            lambda: rng.choice(TEXTS),
            lambda: rng.choice((None, True, False, [], {}, [[[]]], {"": {}})),
            lambda: [rng.choice(_NUMBERS)] * rng.choice((1, 3, 1000)),
            lambda: {rng.choice(TEXTS): rng.choice(TEXTS)},
            lambda: "x" * rng.choice((201, 10_001, 100_000)),
            lambda: _nested(rng.choice((5, 90, 900))),
            lambda: _MISPLACED,
        )
    )()


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values inside."""
    found = [here] if here else []
    if len(here) == _DEEP_ENOUGH:
        return found
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        found += _places(inside, (*here, key))
    return found


def change_value(value: Any, rng: random.Random) -> Any:
    """A JSON value with one of its parts replaced, taken out, moved or repeated."""
    places = _places(value)
    if not places:
        return hostile_value(rng)
    *way, last = rng.choice(places)
    holder = value
    for key in way:
        holder = holder[key]
    kind = rng.randrange(4)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder, list):
        holder += [holder[last]] * rng.choice((1, 100, 5000))
    elif kind == 1:
        holder[rng.choice(TEXTS)] = holder.pop(last)
    else:
        holder[last] = hostile_value(rng)
    return value


def _as_text(value: Any, rng: random.Random) -> bytes:
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    return text.replace(f'"{_MISPLACED}"', rng.choice(_CONSTANTS)).encode("utf-8", "surrogatepass")


def _files(session: Path) -> list[Path]:
    return sorted(path for path in session.rglob("*") if path.is_file() and not path.is_symlink())


def _some_file(session: Path, rng: random.Random, pattern: str = "**/*") -> Path | None:
    found = [path for path in _files(session) if path.match(pattern)]
    return rng.choice(found) if found else None


def change_bytes(session: Path, rng: random.Random) -> None:
    """Flip, cut, duplicate or insert bytes of any file."""
    path = _some_file(session, rng)
    if path is None:
        return
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 4, 64))):
        at = rng.randrange(min(len(content), rng.choice((16, 1000, 10**9))) + 1) if content else 0
        kind = rng.randrange(4)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del content[at : at + rng.choice((1, 100, 10**9))]
        elif kind == 2:
            content[at:at] = content[at : at + rng.choice((1, 100, 5000))]
        else:
            content[at:at] = rng.randbytes(rng.choice((1, 8, 100)))
    path.write_bytes(content)


def change_manifest(session: Path, rng: random.Random) -> None:
    """Change values of `session.json`."""
    path = session / "session.json"
    if path not in _files(session):
        return
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return
    for _ in range(rng.choice((1, 1, 3))):
        content = change_value(content, rng)
    path.write_bytes(_as_text(content, rng))


def change_events(session: Path, rng: random.Random) -> None:
    """Change, duplicate, shuffle and truncate lines of the event log, or add logs of other workers."""
    path = session / "events.jsonl"
    if path not in _files(session) or path.stat().st_size > _LARGEST:
        return
    lines = path.read_bytes().splitlines(keepends=True)
    for _ in range(rng.choice((1, 5, 50))):
        at = rng.randrange(len(lines)) if lines else 0
        try:
            event = change_value(json.loads(lines[at][:_LARGEST]), rng)
        except (ValueError, IndexError):
            event = {"event": rng.choice(("started", "batch", "failed")), "time": hostile_value(rng)}
        lines[at : at + rng.choice((0, 1))] = [_as_text(event, rng) + rng.choice((b"\n", b"\n", b""))]
    rank = rng.choice((0, 0, 0, 1, 77, 4095, 9999))
    (session / (f"events.{rank}.jsonl" if rank else "events.jsonl")).write_bytes(b"".join(lines))


def change_header(session: Path, rng: random.Random) -> None:
    """Change the header of a feature file, or the length it claims."""
    path = _some_file(session, rng, "*.safetensors")
    if path is None or path.stat().st_size < 8:
        return
    content = path.read_bytes()
    length = min(struct.unpack("<Q", content[:8])[0], len(content))
    try:
        text = _as_text(change_value(json.loads(content[8 : 8 + length]), rng), rng)
    except ValueError:
        return
    claimed = rng.choice((len(text), len(text), len(text), 0, len(text) - 1, 2**40, 2**64 - 1))
    path.write_bytes(struct.pack("<Q", claimed) + text + content[8 + length :])


def change_tensors(session: Path, rng: random.Random) -> None:
    """Put impossible numbers into the tensors of an intact feature file, or into its list of images."""
    path = _some_file(session, rng, "*.safetensors")
    if path is None:
        return
    try:
        tensors = load_file(path)
    except Exception:  # damaged already, in whatever way
        return
    for key, tensor in tensors.items():
        if rng.random() < 0.5 or not tensor.size:
            continue
        flat = tensor.reshape(-1)
        some = slice(None) if rng.random() < 0.3 else rng.randrange(len(flat))
        if tensor.dtype == np.int64:
            flat[some] = rng.choice((0, 1, -1, 5, 10**6, 2**62))
        else:
            flat[some] = rng.choice(_FLOATS)
        tensors[key] = flat.reshape(tensor.shape)
    save_file(tensors, path)


def change_what_a_file_is(session: Path, rng: random.Random) -> None:
    """Replace a file by a link, a pipe, a folder, nothing, or an endless file; or move and copy it."""
    path = _some_file(session, rng)
    if path is None:
        return
    kind = rng.randrange(9)
    if kind == 0:
        target = path.with_name(rng.choice(("000000-001.safetensors", "session.json", "control")))
        with contextlib.suppress(shutil.SameFileError):
            shutil.copy(path, target)
        return
    if kind == 1:
        os.truncate(path, rng.choice((0, 1, 2**40)))
        return
    if kind == 2:
        path.rename(path.with_name(rng.choice(_FILE_NAMES)))
        return
    if kind == 3:
        folder = session / rng.choice(("features", "images"))
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
            rng.choice(
                (lambda: folder.symlink_to("/etc"), lambda: os.mkfifo(folder), lambda: folder.touch())
            )()
        return
    path.unlink()
    if kind == 4:
        path.symlink_to(rng.choice(("/dev/zero", "/etc/passwd", "/proc/self/environ", str(path), "nowhere")))
    elif kind == 5:
        os.mkfifo(path)
    elif kind == 6:
        path.mkdir()
    elif kind == 7:
        (session / rng.choice(("control", "recorder.log", "events.1.jsonl"))).unlink(missing_ok=True)
        os.mkfifo(session / "control")


def change_picture(session: Path, rng: random.Random) -> None:
    """Replace pictures by ones that are far larger than they look, or by other formats."""
    folder = session / "images"
    if not folder.is_dir() or folder.is_symlink():
        return
    path = folder / f"{rng.randrange(3):06d}.webp"
    if path.is_dir() or path.is_symlink() or path.is_fifo():
        return
    kind = rng.randrange(5)
    if kind == 0:  # a gigapixel in a header
        path.write_bytes(_png_header(rng.choice((50_000, 2**31 - 1))))
    elif kind == 1:  # sixteen megapixels in 16 kB
        Image.new("L", (4000, 4000)).save(path, format="PNG")
    elif kind == 2:
        frames = [Image.new("L", (64, 64), shade) for shade in range(100)]
        frames[0].save(path, format="WEBP", save_all=True, append_images=frames[1:])
    elif kind == 3:
        Image.new("RGB", (8, 8)).save(path, format=rng.choice(("GIF", "TIFF", "BMP", "ICO", "PPM")))
    else:
        path.write_bytes(b"")
        os.truncate(path, 10**9)


def _png_header(side: int) -> bytes:
    content = struct.pack(">4sIIBBBBB", b"IHDR", side, side, 8, 6, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(content))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + check + b"\0\0\1\0IDAT" + bytes(256)


def change_texts(session: Path, rng: random.Random) -> None:
    """Put hostile text wherever text is shown, in a session that is otherwise valid."""
    path, events = session / "session.json", session / "events.jsonl"
    plain = _files(session)
    if path not in plain or (events not in plain and os.path.lexists(events)):
        return  # another mutation was here before: a pipe would wait, and a link leads out of the session
    try:
        content = json.loads(path.read_bytes())
        texts = [text for text in TEXTS if text]
        rename = {
            scheme: f"{rng.choice(texts)[:190]}{n}"
            for n, scheme in enumerate(content["prompts"][0]["labels"])
        }
        classes: dict[str, str] = {}
        for prompt in content["prompts"]:
            prompt["text"] = rng.choice(texts)
            prompt["labels"] = {
                rename[scheme]: classes.setdefault(name, f"{rng.choice(texts)[:190]}{len(classes)}")
                for scheme, name in prompt["labels"].items()
            }
        for block in content["blocks"]:
            block["name"] = rng.choice(texts)[:200]
        content["created"] = rng.choice(texts)
        content["model"] = {key: rng.choice(texts) for key in ("id", "device", "dtype", "pipeline")}
        path.write_bytes(_as_text(content, rng))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return  # another mutation was here before
    with events.open("ab") as log:
        for event in ("loading", "stopped", "failed", *texts):
            words = {
                "reason": rng.choice(texts),
                "what": rng.choice(texts),
                "device": {"name": rng.choice(texts)},
            }
            log.write(_as_text({"event": event, "time": 1764000000.0, "rank": 0, **words}, rng) + b"\n")


MUTATIONS: tuple[Mutation, ...] = (
    change_bytes,
    change_manifest,
    change_events,
    change_header,
    change_tensors,
    change_picture,
    change_what_a_file_is,
    change_texts,
)


def mutate(session: Path, seed: int) -> list[str]:
    """Damage a session in one to three ways; returns their names."""
    rng = random.Random(seed)
    chosen = rng.choices(MUTATIONS, k=rng.choice((1, 1, 2, 3)))
    for mutation in chosen:
        mutation(session, rng)
    return [mutation.__name__ for mutation in chosen]
