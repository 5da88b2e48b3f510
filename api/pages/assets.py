"""The files under ``api/static``, served from memory under an address that changes with them."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_FOLDER = Path(__file__).parents[1] / "static"

_A_YEAR = "public, max-age=31536000, immutable"

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""What the machine's own table may not know, or know differently."""


@dataclass(frozen=True)
class _File:
    body: bytes
    media_type: str


@dataclass(frozen=True)
class _Tree:
    version: str
    files: dict[str, _File]


@cache
def _tree() -> _Tree:
    """Read all files once. The version is a hash over every path and content."""
    files: dict[str, _File] = {}
    digest = hashlib.sha256()
    for path in sorted(p for p in _FOLDER.rglob("*") if p.is_file()):
        name = path.relative_to(_FOLDER).as_posix()
        body = path.read_bytes()
        guessed = mimetypes.guess_type(name)[0] or "text/plain; charset=utf-8"
        files[name] = _File(body, _MEDIA_TYPES.get(path.suffix, guessed))
        digest.update(f"{name}\0{len(body)}\0".encode())
        digest.update(body)
    return _Tree(version=digest.hexdigest()[:12], files=files)


def asset_url(name: str) -> str:
    """Return the address of a file under ``api/static``.

    One version stands for the whole tree, so that a style sheet finds its fonts by relative paths.

    Raises:
        LookupError: there is no such file; a template names one that is not there.
    """
    tree = _tree()
    if name not in tree.files:
        raise LookupError(f"There is no {name} under api/static.")
    return f"/static/{tree.version}/{name}"


def add_static_files(router: APIRouter) -> None:
    """Add the route that serves the files. It reads no disk, so no path can lead out of it."""
    router.add_route("/static/{version}/{name:path}", _serve, include_in_schema=False)


async def _serve(request: Request) -> Response:
    tree = _tree()
    file = tree.files.get(request.path_params["name"])
    if file is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    # While two versions of the program run side by side, a page of the other one still gets its
    # files, but nobody keeps them under an address that is not theirs.
    own = request.path_params["version"] == tree.version
    return Response(
        file.body,
        media_type=file.media_type,
        headers={
            "Cache-Control": _A_YEAR if own else "no-cache",
            "X-Content-Type-Options": "nosniff",
            # A message shown in its sandbox comes from nowhere and still needs its font.
            "Access-Control-Allow-Origin": "*",
        },
    )
