"""Bring cases to where they shall be, over HTTP, one act at a time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from casework.demo.client import Answer, Client, Json, expect
from casework.demo.notebook import Notebook
from casework.demo.people import DOMAIN
from casework.demo.sites import Site
from casework.demo.steps import Cast, Goal, Situation, is_there, next_step
from casework.demo.stories import Story
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog

PAPER = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R\
/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length 62>>stream
BT /F1 18 Tf 72 760 Td (Casework demo: sample evidence) Tj ET
endstream
endobj
trailer<</Root 1 0 R>>
%%EOF
"""
"""One page that stands for every document of the demo."""

_SAID = {
    "support": "โรงงานเปิดให้ชาวบ้านเข้าดูบ่อบำบัดน้ำทุกเดือน เราไว้ใจได้",
    "neutral": "อยากให้แจ้งผลตรวจน้ำเป็นภาษาที่เข้าใจง่าย",
    "objection": "หน้าฝนยังมีกลิ่นจากลานกองกาก ขอให้แก้ไขก่อนให้การรับรอง",
}


def communities_of(site: Site) -> list[Json]:
    """Return the communities of a site: a subdistrict office to be written to, a village head to be visited."""
    return [
        {
            "kind": "local-government",
            "name": f"องค์การบริหารส่วนตำบลใกล้ {site.name_en} (ตัวอย่าง)",
            "email": f"subdistrict-{site.number:03}@{DOMAIN}",
            "phone": "02-000-0000",
        },
        {
            "kind": "village-head",
            "name": "ผู้ใหญ่บ้าน หมู่ 4 (ตัวอย่าง)",
            "address": f"หมู่ 4 {site.address}",
        },
    ]


class Performer(NamedTuple):
    """What it takes to act in cases."""

    client: Client
    catalog: ProgramCatalog
    notebook: Notebook
    establishments: Mapping[str, str]
    evidence: str

    def cast_of(self, site: Site) -> Cast:
        """Return everybody who acts for or on a site."""
        return Cast.of(site, self.establishments[site.registration_no])

    def apply(self, site: Site, program: str, *, on_tour: bool = False) -> Answer:
        """Send the application of a site. The same application again gets the same case."""
        contact = {
            "name": f"ผู้ประสานงาน {site.name_en} (ตัวอย่าง)",
            "email": f"site-{site.number:03}@{DOMAIN}",
            "language": "en" if site.number % 2 else "th",
        }
        establishment = {
            "registration_no": site.registration_no,
            "name_en": site.name_en,
            "address": site.address,
            "province": site.province,
            "latitude": site.latitude,
            "longitude": site.longitude,
        }
        body: Json = {
            "program": program,
            "establishment": establishment,
            "contact": contact,
            "communities": communities_of(site),
            "statement": "ขอสมัครเข้าร่วมโครงการ (ตัวอย่างเพื่อการสาธิต)",
            "documents": [{"file": self.evidence, "title": "เอกสารประกอบคำขอ (ตัวอย่าง)"}],
        }
        answer = self.client.ask(
            "POST",
            "/api/v1/applications",
            self.cast_of(site).applicant,
            json=body,
            key=f"demo-{site.registration_no}-application",
        )
        expect(answer, 200, 201)
        self.notebook.opened(site.registration_no, answer.body["case"], on_tour=on_tour)
        return answer

    def look(self, site: Site) -> Json:
        """Return the case of a site as its officer sees it."""
        case_id = self.notebook.case_of(site.registration_no)
        return self.client.case(str(case_id), self.cast_of(site).officer)

    def situation(self, site: Site, goal: Goal, view: Json) -> Situation:
        """Return what the next step follows from."""
        return Situation(
            view=view,
            goal=goal,
            cast=self.cast_of(site),
            program=self.catalog.get(view["program"], view["program_version"]),
            evidence=self.evidence,
            now=datetime.now(UTC),
        )

    def speak(self, case_id: str, stance: str, number: int) -> Answer:
        """Say something as a neighbor of a site, without an account."""
        body = {
            "stance": stance,
            "text": _SAID[stance],
            "name": "ชาวบ้านใกล้โรงงาน (ตัวอย่าง)",
            "email": f"neighbor-{number}@{DOMAIN}",
            "language": "th",
        }
        path = f"/api/v1/cases/{case_id}/representations"
        return self.client.ask("POST", path, json=body, key=f"demo-{case_id}-{number}")


def bring(
    performer: Performer,
    stories: Iterable[Story],
    sites: Mapping[str, Site],
    tell: Callable[[str], None],
) -> None:
    """Bring each story's case to its goal, taking turns, so that no case waits for another's period."""
    waiting = list(stories)
    while waiting:

        def turn() -> list[Story] | None:
            moved = [s for s in waiting if _turn(performer, s.goal, sites[s.site])]
            return moved or None

        for story in performer.client.wait_until("a case to move", turn):
            site = sites[story.site]
            view = performer.look(site)
            if is_there(view, story.goal) and not _awaits_register(view):
                performer.notebook.came_to_rest(site.registration_no)
                waiting.remove(story)
                tell(
                    f"{view['stage']:<19} {view['id']}  {view['program']} {view['program_version']}"
                    f"  {site.name_en}, {view['province']}"
                )


def _turn(performer: Performer, goal: Goal, site: Site) -> bool:
    """Do the case's next act; False when it waits for time to pass or for the register."""
    if performer.notebook.case_of(site.registration_no) is None:
        performer.apply(site, goal.program)
        return True
    view = performer.look(site)
    step = next_step(performer.situation(site, goal, view))
    if step is None:
        return is_there(view, goal) and not _awaits_register(view)
    key = f"demo-{view['id']}-{step.act}-{view['version']}"
    answer = expect(performer.client.act(view, step.act, step.body, step.who, key), 200)
    if answer.body["stage"] == Stage.FEEDBACK:
        # At once: under a sample version the period is over in seconds.
        for number, stance in enumerate(goal.says, start=1):
            expect(performer.speak(view["id"], stance, number), 200, 201)
    return True


def _awaits_register(view: Json) -> bool:
    return view["stage"] == Stage.CERTIFIED and view["register_entry"] is None
