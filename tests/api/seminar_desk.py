"""What the tests of drives send: a list as an officer has it, and the steps from it to a running drive."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2

from casework.domain.actors import Actor
from tests.api.desk import Desk
from tests.sample_case import OFFICER

SEMINARS = "/api/v1/seminars"
DRIVES = "/api/v1/drives"
HEAD = ("ทะเบียนโรงงาน", "ชื่อโรงงาน", "จังหวัด", "ผู้เข้าร่วม", "อีเมล", "หมายเหตุ")


def line(number: int, **changed: str) -> tuple[str, ...]:
    """Return one attendee; the keyword arguments change single cells."""
    cells = {
        "number": f"3-{number:05}",
        "name": f"โรงงาน {number}",
        "province": "ระยอง",
        "contact": f"คุณ {number}",
        "email": f"contact{number}@site.example",
        "remark": "",
        **changed,
    }
    return tuple(cells.values())


def csv_of(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = HEAD) -> bytes:
    """Return a list as a spreadsheet saves it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    return text.getvalue().encode("utf-8-sig")


class SeminarDesk:
    """An officer who runs a drive."""

    def __init__(self, desk: Desk, who: Actor = OFFICER, provinces: Any = ("21",)) -> None:
        self.desk = desk
        self.who = who
        self.scope = {"provinces": provinces}

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.desk.get(path, self.who, scope=self.scope, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        if body is None:
            more.setdefault("content", b"")
        return self.desk.post(path, body, self.who, scope=self.scope, **more)

    def put(self, path: str, **more: Any) -> httpx2.Response:
        headers = self.desk.headers(self.who, **self.scope)
        return self.desk.client.put(path, headers=headers, **more)

    def new_drive(self, **body: Any) -> str:
        """Prepare a drive and return its path."""
        asked = {"program": "eco-network", "title": "สัมมนา", **body}
        answer = self.post(DRIVES, asked)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def upload(self, drive: str, content: bytes, file_name: str = "list.csv") -> httpx2.Response:
        return self.put(f"{drive}/list", params={"file_name": file_name}, content=content)

    def try_out(self, drive: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Make the dry run and return its counts."""
        body = {} if fields is None else {"fields": dict(fields)}
        answer = self.put(f"{drive}/mapping", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ready(self, rows: Iterable[tuple[str, ...]], **body: Any) -> str:
        """Prepare a drive with a list that has been tried out, and return its path."""
        drive = self.new_drive(**body)
        answer = self.upload(drive, csv_of(rows))
        assert answer.status_code == 200, answer.text
        self.try_out(drive)
        return drive

    def rows(self, drive: str, **wanted: str) -> list[dict[str, Any]]:
        """Return the rows that a filter finds."""
        answer = self.get(f"{drive}/rows", params=wanted)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]
