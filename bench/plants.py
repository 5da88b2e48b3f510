"""A seminar's list as long as the network has members, made of real sites."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from casework.programs.provinces import provinces

SOURCE = Path(__file__).parent / "data" / "facilities.csv"
ALL = 10_537
HEADINGS = ("ทะเบียนโรงงาน", "ชื่อโรงงาน", "จังหวัด", "อีเมล")

_MAIL_DOMAINS = 20


class Plant(NamedTuple):
    """One line of a list, as an officer types it."""

    registration_no: str
    name: str
    province: str
    email: str


def plants(count: int = ALL) -> Iterator[Plant]:
    """Yield the first sites of the source.

    Name and province are the source's. It has no registration numbers and no addresses: these are made
    of the number of the line. Its coordinates are left out, because they are not in Thailand.
    """
    with SOURCE.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(islice(csv.DictReader(file), count), 1):
            yield _plant(number, row["name_en"], row["province_code"])


def offices_own(count: int) -> Iterator[Plant]:
    """Yield sites that no list of :func:`plants` has, spread over the provinces."""
    codes = sorted(provinces())
    for number in range(count):
        code = codes[number * len(codes) // count]
        yield _plant(90_000 + number, f"Office case {number}", code)


def _plant(number: int, name: str, province: str) -> Plant:
    return Plant(
        registration_no=f"1{province}{number:011}",
        name=name,
        province=provinces()[province].name_th,
        email=f"plant-{number:05}@d{number % _MAIL_DOMAINS:02}.example",
    )


def list_of(lines: Iterable[Plant]) -> bytes:
    """Return a list as a spreadsheet saves it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADINGS, *lines])
    return text.getvalue().encode("utf-8-sig")
