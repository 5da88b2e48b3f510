"""The register as data: one row or object for each record, the same fields in both forms."""

import csv
import io
import json
from collections.abc import Sequence

from api.public.register.in_memory import Listed, RegisterAt
from casework.programs.provinces import provinces

BYTE_ORDER_MARK = "\ufeff"
"""Without it, one widespread spreadsheet program reads Thai as gibberish."""

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_csv(rows: Sequence[Listed], address: str, *, mark: bool) -> bytes:
    """Return comma-separated values in UTF-8; a text that a spreadsheet would run gets a quote."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        facts = facts_of(row, address)
        writer.writerow([_cell(facts[column]) for column in COLUMNS])
    return ((BYTE_ORDER_MARK if mark else "") + out.getvalue()).encode()


def as_json(register: RegisterAt, rows: Sequence[Listed], address: str) -> bytes:
    """Return one JSON object: the number of the newest entry, when it was made, and the records."""
    return json.dumps(
        {
            "entry": register.number,
            "updated_at": register.updated_at.isoformat() if register.updated_at else None,
            "records": [facts_of(row, address) for row in rows],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def facts_of(row: Listed, address: str) -> dict[str, str | int | float | None]:
    """Return the published facts of a record by the names of the columns."""
    entry = row.record.current
    body = entry.body
    province = provinces()[body.province]
    return {
        "id": entry.public_id,
        "url": f"{address}/r/{entry.public_id}",
        "status": row.status.value,
        "name_th": body.name_th,
        "name_en": body.name_en,
        "program": body.program,
        "program_name_th": body.program_name.th,
        "program_name_en": body.program_name.en,
        "program_version": body.program_version,
        "level": body.level,
        "level_name_th": body.level_name.th if body.level_name else None,
        "level_name_en": body.level_name.en if body.level_name else None,
        "province_code": body.province,
        "province_th": province.name_th,
        "province_en": province.name_en,
        "river_basin": body.river_basin,
        "latitude": body.latitude,
        "longitude": body.longitude,
        "granted_on": body.granted_on.isoformat(),
        "valid_until": body.valid_until.isoformat() if body.valid_until else None,
        "feedback_support": body.feedback.support,
        "feedback_neutral": body.feedback.neutral,
        "feedback_objection": body.feedback.objection,
        "entry": entry.number,
        "updated_at": entry.published_at.isoformat(),
    }


COLUMNS = (
    "id",
    "url",
    "status",
    "name_th",
    "name_en",
    "program",
    "program_name_th",
    "program_name_en",
    "program_version",
    "level",
    "level_name_th",
    "level_name_en",
    "province_code",
    "province_th",
    "province_en",
    "river_basin",
    "latitude",
    "longitude",
    "granted_on",
    "valid_until",
    "feedback_support",
    "feedback_neutral",
    "feedback_objection",
    "entry",
    "updated_at",
)
"""In this order for ever; new ones come at the end."""


def _cell(value: str | int | float | None) -> str | int | float | None:
    if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA):
        return f"'{value}"
    return value
