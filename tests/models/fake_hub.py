"""A hub of our own on this machine: as much of its interface as fetching a model takes, and its refusals."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "c" * 40


@dataclass
class FakeHub:
    """Repositories by their ids, each a folder in revision main; what it refuses; what was asked of it."""

    address: str = ""
    repositories: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def fetched(self) -> list[str]:
        """The files that were sent."""
        return sorted(
            line.split("/resolve/")[1].split("/", 1)[1]
            for line in self.asked
            if "GET" in line and "/resolve/" in line
        )


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run one."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            _answer(hub, self)

        def do_GET(self) -> None:
            _answer(hub, self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(hub: FakeHub, request: BaseHTTPRequestHandler) -> None:
    path = urlsplit(request.path).path
    hub.asked.append(f"{request.command} {path}")
    parts = path.removeprefix("/api/models").strip("/").split("/")
    folder = hub.repositories.get("/".join(parts[:2]))
    if hub.down:
        _refuse(request, 503, "")
    elif folder is None:
        # What the hub says to those who are not logged in.
        _refuse(request, 401, "RepoNotFound")
    elif path.startswith("/api/models"):
        _tell(folder, parts[2:], request)
    elif "/".join(parts[:2]) in hub.gated:
        _refuse(request, 403, "GatedRepo")
    else:
        _send(folder / "/".join(parts[4:]), request)


def _tell(folder: Path, asked: list[str], request: BaseHTTPRequestHandler) -> None:
    """What files there are, in one of the two ways in which it is asked."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {str(path.relative_to(folder)): path for path in files}
    if asked and asked[1] not in ("main", COMMIT):
        _refuse(request, 404, "RevisionNotFound")
    elif asked and asked[0] == "tree":
        _json(
            request,
            [
                {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path)}
                for name, path in names.items()
            ],
        )
    else:
        _json(request, {"id": "any/any", "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]})


def _send(path: Path, request: BaseHTTPRequestHandler) -> None:
    if not path.is_file():
        _refuse(request, 404, "EntryNotFound")
        return
    content = path.read_bytes()
    headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{_etag(path)}"', "Content-Length": str(len(content))}
    _respond(request, 200, headers, content)


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def _json(request: BaseHTTPRequestHandler, content: object) -> None:
    body = json.dumps(content).encode()
    _respond(request, 200, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body)


def _refuse(request: BaseHTTPRequestHandler, status: int, code: str) -> None:
    _respond(
        request,
        status,
        {"X-Error-Code": code, "Content-Length": "0"} if code else {"Content-Length": "0"},
        b"",
    )


def _respond(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(body)
