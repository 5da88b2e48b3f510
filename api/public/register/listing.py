"""What a reader asked the list for, and the part of the register that answers it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from api.public.register.in_memory import Listed, RegisterAt
from casework.domain.calendar import Language
from casework.domain.register import RegisterStatus
from casework.programs.provinces import provinces
from casework.store.search import searchable

PER_PAGE = 20
LONGEST_QUERY = 100

_STATUSES = frozenset(status.value for status in RegisterStatus)


@dataclass(frozen=True)
class Search:
    """A search as it stands in the address. What makes no sense there is left out, not refused."""

    text: str = ""
    province: str = ""
    program: str = ""
    status: str = ""
    page: int = 1

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Search":
        """Read the query of an address."""
        page = parameters.get("page", "")
        province = parameters.get("province", "")
        status = parameters.get("status", "")
        return cls(
            text=" ".join(parameters.get("q", "")[:LONGEST_QUERY].split()),
            province=province if province in provinces() else "",
            program=parameters.get("program", "")[:LONGEST_QUERY],
            status=status if status in _STATUSES else "",
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    @property
    def is_filtered(self) -> bool:
        """Say whether the whole register is not what is asked for."""
        return bool(self.text or self.province or self.program or self.status)

    def on_page(self, page: int) -> "Search":
        """Return the same search on another page."""
        return replace(self, page=page)

    def query(self, **more: str) -> str:
        """Return the query of an address, with its question mark, or nothing."""
        parts = {
            "q": self.text,
            "province": self.province,
            "program": self.program,
            "status": self.status,
            "page": str(self.page) if self.page > 1 else "",
            **more,
        }
        written = urlencode({name: value for name, value in parts.items() if value})
        return f"?{written}" if written else ""


@dataclass(frozen=True)
class PageOfRecords:
    """Some rows of a result, which page that is, and how many there are."""

    rows: tuple[Listed, ...]
    page: int
    pages: int
    total: int


def matching(register: RegisterAt, search: Search, language: Language) -> tuple[Listed, ...]:
    """Return all records that a search finds, in the order of their names."""
    rows = register.by_name[language]
    if not search.is_filtered:
        return rows
    terms = searchable(search.text).split()
    return tuple(
        row for row in rows if all(term in row.text for term in terms) and _is_within(row, search)
    )


def page_of(register: RegisterAt, search: Search, language: Language) -> PageOfRecords:
    """Return one page of a search; a page after the last one is the last one."""
    found = matching(register, search, language)
    pages = max(1, math.ceil(len(found) / PER_PAGE))
    page = min(max(1, search.page), pages)
    start = (page - 1) * PER_PAGE
    return PageOfRecords(
        rows=found[start : start + PER_PAGE], page=page, pages=pages, total=len(found)
    )


def page_numbers(page: int, pages: int) -> tuple[int | None, ...]:
    """Return the pages that get a link: the ends and those beside this one, None for a gap."""
    near = {1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)}
    numbers: list[int | None] = []
    for number in sorted(near):
        if numbers and (before := numbers[-1]) is not None and number - before > 1:
            numbers.append(None)
        numbers.append(number)
    return tuple(numbers)


def _is_within(row: Listed, search: Search) -> bool:
    body = row.record.current.body
    return (
        search.province in {"", body.province}
        and search.program in {"", body.program}
        and search.status in {"", row.status}
    )
