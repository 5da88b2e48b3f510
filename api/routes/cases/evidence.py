"""Evidence: files sent as they are, and fetched by their SHA-256."""

from collections.abc import Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.collaborators import Parts
from api.http.errors import Problem, not_found
from api.http.openapi import header, problems
from api.http.preconditions import IdempotencyKey
from api.http.sizes import EVIDENCE_PATH
from api.security import PrincipalWithAPart, StaffPrincipal
from casework.store.evidence import (
    ALLOWED_TYPES,
    FileEmpty,
    FileTooLarge,
    FileTypeNotAllowed,
    Stored,
    add_file,
    find_file,
)

router = APIRouter(prefix=EVIDENCE_PATH, tags=["evidence"])

_EXTENSIONS = {
    "application/pdf": "pdf",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
}
_PIECE = 64 * 1024
_BINARY = {"type": "string", "format": "binary"}
_LOCATION = header("Location", "Address of the file.", f"{EVIDENCE_PATH}/9f86d081…")


class EvidenceKept(BaseModel):
    """The file is kept; acts name it by ``sha256``."""

    sha256: str
    media_type: str
    size: int


@router.post(
    "",
    status_code=201,
    operation_id="uploadEvidence",
    summary="Upload a file",
    responses={201: {"headers": _LOCATION}, **problems(400, 401, 403, 413, 415, 429)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself, with its media type as Content-Type.",
            "content": {media_type: {"schema": _BINARY} for media_type in ALLOWED_TYPES},
        }
    },
)
async def upload_evidence(
    parts: Parts,
    principal: PrincipalWithAPart,
    key: IdempotencyKey,
    request: Request,
    response: Response,
) -> EvidenceKept:
    """Keep a PDF, JPEG, PNG, HEIC or WebP file. The same file is kept once, whoever sends it."""
    parts.uploads_quota.check(principal.person)
    declared = request.headers.get("content-type")
    most = parts.settings.evidence_most_bytes
    try:
        if int(request.headers.get("content-length", "0")) > most:
            raise FileTooLarge(most)
        stored = await parts.files.put(request.stream(), declared, most)
    except FileEmpty as error:
        raise Problem("file-empty", "The body has no bytes.") from error
    except FileTooLarge as error:
        raise Problem("file-too-large", f"A file has at most {most:,} bytes.") from error
    except FileTypeNotAllowed as error:
        raise _wrong_type(error.found, declared) from error
    await run_in_threadpool(_note, parts, stored, principal.person)
    response.headers["Location"] = f"{EVIDENCE_PATH}/{stored.sha256}"
    return EvidenceKept(**stored.model_dump())


def _note(parts: Parts, stored: Stored, person: str) -> None:
    with parts.database.writing() as session:
        add_file(session, stored, person, parts.now())


def _wrong_type(found: str | None, declared: str | None) -> Problem:
    sent = (declared or "").split(";")[0].strip().lower()
    if found in ALLOWED_TYPES and sent in ALLOWED_TYPES:
        return Problem("file-type-mismatch", f"Declared as {sent}, the file is {found}.")
    return Problem("file-type-not-allowed", f"Evidence is one of: {', '.join(ALLOWED_TYPES)}.")


@router.get(
    "/{sha256}",
    operation_id="readEvidence",
    summary="Fetch a file, as an attachment",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {media_type: {"schema": _BINARY} for media_type in ALLOWED_TYPES},
        },
        **problems(401, 403, 404),
    },
)
def read_evidence(
    parts: Parts,
    principal: StaffPrincipal,
    sha256: Annotated[str, Path(description="SHA-256 of the file, in lower-case hexadecimal.")],
) -> Response:
    """Return a file for staff. A browser is told to save it and to run nothing in it."""
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise not_found()
    with parts.database.reading() as session:
        known = find_file(session, sha256)
    try:
        file = parts.files.open(sha256) if known else None
    except FileNotFoundError:
        file = None
    if known is None or file is None:
        raise not_found()
    name = f"{sha256[:16]}.{_EXTENSIONS.get(known.media_type, 'bin')}"
    return StreamingResponse(
        _pieces(file),
        media_type=known.media_type,
        headers={
            "Content-Length": str(known.size),
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
