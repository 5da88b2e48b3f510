"""Three who were invited: one lets the day go by, one applies by the link in its letter, one declines."""

import re
from collections.abc import Iterator
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from casework.demo.client import Answer, Client, Json, Unexpected, expect
from casework.demo.drives import OFFICER, rows_of
from casework.demo.mail import Letter, MailServer
from casework.demo.people import DOMAIN
from casework.demo.seminars import Seminar
from casework.demo.telling import Teller
from casework.domain.drives import RowOutcome
from casework.domain.stages import Stage

_LINK = re.compile(r"https?://[^\s<>]+/apply/[\w.-]+")
_SHOWN = 24
"""How much is printed of the address of a link, which is some 250 letters long."""


class Answered(NamedTuple):
    """The cases of those who answered in this start, and one that did not; None if nobody was left."""

    applied: str | None
    declined: str | None
    not_yet: str | None


class Driven(NamedTuple):
    """What the demo claims of its drives: what came of the list, of a start after the end, of invitations."""

    drive: str
    attendees: Seminar
    again: Answer
    lapsed: tuple[str, ...]
    answered: Answered


class InvitedPeople:
    """Open letters and answer by the public pages, as a browser without scripts does."""

    def __init__(self, client: Client, mail: MailServer, teller: Teller) -> None:
        """Keep the way to the pages, the letters, and who tells."""
        self._client = client
        self._mail = mail
        self._teller = teller

    def see_lapsed(self, case: Json) -> None:
        """Tell what became of an invitation and its link when its day was over."""
        self._teller.step(1, f"{_name(case)} has not answered: its invitation lapsed by its timer.")
        self._told_case(case["id"])
        link = self._link_to(case["id"])
        self._told_page("GET", link, self._client.page(link), 410)

    def answer(self, drive: str) -> Answered:
        """Let the next two who have not answered do so: one applies, the other declines."""
        invited = self._still_invited(drive)
        if applied := next(invited, None):
            self._apply(applied)
        if declined := next(invited, None):
            self._decline(declined)
        not_yet = next(invited, None)
        return Answered(*(case["id"] if case else None for case in (applied, declined, not_yet)))

    def _still_invited(self, drive: str) -> Iterator[Json]:
        for row in rows_of(self._client, drive, RowOutcome.OPENED):
            case = self._client.case(row["case"], OFFICER)
            if case["stage"] == Stage.INVITED:
                yield case

    def _apply(self, case: Json) -> None:
        self._teller.step(
            2, f"{_name(case)} opens the link in its letter: the application stands there already."
        )
        link = self._link_to(case["id"])
        page = self._client.page(link)
        self._told_page("GET", link, page, 200)
        fields = _fields_of(page.text)
        self._teller.say(f"    In the form: {fields['name']}, {fields['email']}")
        fields |= {
            "text": "ยินดีเข้าร่วมเครือข่าย (ตัวอย่าง)",
            "community_1_kind": "local-government",
            "community_1_name": "องค์การบริหารส่วนตำบล (ตัวอย่าง)",
            "community_1_email": f"subdistrict@{DOMAIN}",
            "go": "check",
        }
        page = self._client.form(link, fields)
        self._told_page("POST", link, page, 200, "looks over what will be sent")
        page = self._client.form(link, _fields_of(page.text) | {"go": "submit"})
        self._told_page("POST", link, page, 303, "sends it")
        self._told_case(case["id"])

    def _decline(self, case: Json) -> None:
        self._teller.step(3, f"{_name(case)} declines, with a reason.")
        link = f"{self._link_to(case['id'])}/decline"
        page = self._client.page(link)
        self._told_page("GET", link, page, 200)
        fields = _fields_of(page.text) | {"text": "ปีนี้ยังไม่พร้อม ขอเข้าร่วมปีหน้า (ตัวอย่าง)"}
        self._told_page("POST", link, self._client.form(link, fields), 303)
        self._told_case(case["id"])

    def _link_to(self, case_id: str) -> str:
        """Show the letter that invites to a case when it has arrived; return the path of its link."""
        letter = self._client.wait_until("the invitation", lambda: self._letter(case_id))
        to = parseaddr(letter.to)[1]
        self._teller.say(f"    mail/{letter.file.name} to {to}: {letter.subject}")
        found = _LINK.search(letter.text)
        if found is None:
            raise Unexpected(f"{letter.file} has no link to an application.")
        return urlsplit(found[0]).path

    def _letter(self, case_id: str) -> Letter | None:
        letters = self._mail.letters()
        return next((letter for letter in letters if case_id in letter.subject), None)

    def _told_case(self, case_id: str) -> None:
        case = self._client.case(case_id, OFFICER)
        letters = self._client.notices(case_id, OFFICER)
        answer = Answer("GET", f"/api/v1/cases/{case_id}", 200, case)
        self._teller.exchange(answer, OFFICER.person, letters)

    def _told_page(
        self, method: str, path: str, page: httpx2.Response, status: int, does: str = ""
    ) -> None:
        head, is_cut, rest = path.partition("/decline")
        shown = f"{head[:_SHOWN]}…{is_cut}{rest}"
        who = f"the invited {does}" if does else "the invited"
        answer = Answer(method, shown, page.status_code, {})
        self._teller.exchange(expect(answer, status), who)


class _Form(HTMLParser):
    """The fields of a page with what stands in them; what people write is added by name."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and (name := given.get("name")):
            self.fields[name] = given.get("value") or ""


def _fields_of(page: str) -> dict[str, str]:
    form = _Form()
    form.feed(page)
    return form.fields


def _name(case: Json) -> str:
    return case["establishment"]["name_en"]
