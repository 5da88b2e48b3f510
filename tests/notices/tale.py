"""Cases with real rows, told so that every notice of the catalogue comes about."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Literal

from sqlalchemy.orm import Session

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import SYSTEM, Actor, ActorKind
from casework.domain.case import Case, Terms
from casework.domain.case import record as happen
from casework.domain.communities import CommunityKind
from casework.domain.deadlines import tick
from casework.domain.decide import decide
from casework.domain.numbers import Numbers
from casework.domain.openness import kind_for
from casework.domain.representations import Stance
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from casework.notices.catalogue import notices_for, receipt_for
from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.store.communities import NewCommunity, put_communities
from casework.store.database import Database
from casework.store.outbox import add_notices, notices_of_case
from casework.store.people import StaffMember, put_people
from casework.store.tables import Contact, Enrollment, Establishment, NoticeRow, Representation
from tests.sample_case import CALENDAR, FILE, NOW
from tests.store.story import Moment, record

Language = Literal["th", "en"]

PUBLIC_URL = "https://casework.example"
MAIL_FROM = "Casework <no-reply@casework.example>"

PROVINCE = "21"
SITE = "est-tale00000001"
NAMES = {"th": "บริษัท น้ำใสอุตสาหกรรม จำกัด", "en": "Clear Water Industries Co., Ltd."}
ADDRESS = {"th": "99 หมู่ 4 ตำบลมาบตาพุด อำเภอเมืองระยอง", "en": "99 Moo 4, Map Ta Phut, Rayong"}
REASONS = {
    "th": "เอกสารครบถ้วนและตรวจสอบได้\nชุมชนโดยรอบให้การสนับสนุน",
    "en": "The documents are complete.\nThe neighbors agree.",
}
PEOPLE = {
    "officer-1": ("สมหญิง ตั้งใจ", "Somying Tangjai", ActorKind.OFFICER),
    "officer-2": ("วิชัย รอบคอบ", "Wichai Ropkhop", ActorKind.OFFICER),
    "inspector-1": ("ประสิทธิ์ ละเอียด", "Prasit La-iad", ActorKind.INSPECTOR),
    "inspector-2": ("มาลี เที่ยงตรง", "Malee Thiangtrong", ActorKind.INSPECTOR),
    "reviewer-1": ("อรุณ พิจารณ์", "Arun Phijan", ActorKind.REVIEWER),
    "decider-1": ("ธีระ ยุติธรรม", "Thira Yuttitham", ActorKind.DECISION_MAKER),
    "supervisor-1": ("กมล ดูแล", "Kamon Dulae", ActorKind.SUPERVISOR),
    "supervisor-2": ("ศิริ ติดตาม", "Siri Tittam", ActorKind.SUPERVISOR),
}

APPLICANT = Actor(person="applicant-1", kinds=(ActorKind.APPLICANT,), establishment=SITE)


def actor(person: str) -> Actor:
    """Return a member of staff as an actor."""
    return Actor(person=person, kinds=(PEOPLE[person][2],))


def composer_of(database: Database, catalog: ProgramCatalog) -> NoticeComposer:
    """Return a composer whose clock stands still."""
    return NoticeComposer(database, catalog, PUBLIC_URL, MAIL_FROM, now=lambda: NOW)


def staff(language: Language) -> list[StaffMember]:
    """Return the staff directory, with everybody reading this language."""
    return [
        StaffMember(
            person=person,
            name=thai if language == "th" else english,
            email=f"{person}@industry.example",
            language=language,
            kinds=(kind,),
            provinces=frozenset({PROVINCE}),
        )
        for person, (thai, english, kind) in PEOPLE.items()
    ]


class Tale:
    """A case that is recorded with its notices as it goes on."""

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        case_id: str = "eco-tale00000001",
        language: Language = "th",
        name: str | None = None,
        email: str = "somchai@factory.example",
        see: Callable[[NoticeRow], None] = lambda _row: None,
    ) -> None:
        """Open the case; ``see`` is shown each notice as soon as it is queued."""
        self.database = database
        self._see = see
        self._seen: set[str] = set()
        self.language: Language = language
        self.now = NOW
        rules = catalog.get("eco-network", "1").rules()
        self.case = Case(
            terms=Terms(
                case_id=case_id,
                establishment=SITE,
                province=PROVINCE,
                rules=rules,
                calendar=CALENDAR,
            )
        )
        with database.writing() as session:
            put_people(session, staff(language))
            self._enroll(session, name or NAMES[language], email)

    def _enroll(self, session: Session, name: str, email: str) -> None:
        if session.get(Establishment, SITE) is None:
            session.add(
                Establishment(
                    id=SITE,
                    registration_no="3-88-1/50รย",
                    name_th=name if self.language == "th" else None,
                    name_en=name if self.language == "en" else None,
                    address=ADDRESS[self.language],
                    province=PROVINCE,
                    search_text="",
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
            session.flush()
            session.add(
                Contact(
                    id="con-1",
                    establishment_id=SITE,
                    name="สมชาย ใจดี" if self.language == "th" else "Somchai Jaidee",
                    email=email,
                    language=self.language,
                    created_at=NOW,
                )
            )
            session.flush()
        session.add(
            Enrollment(
                case_id=self.case.case_id,
                program="eco-network",
                establishment_id=SITE,
                cycle=int.from_bytes(self.case.case_id[-4:].encode()) % 1_000_000,
                program_version="1",
                province=PROVINCE,
                contact_id="con-1",
                applicant="applicant-1",
                update_id=self.case.case_id,
                digest="",
                created_at=NOW,
            )
        )

    def name_communities(self) -> "Tale":
        """Name a tambon office with an e-mail address and a village head without one."""
        office = self.words("องค์การบริหารส่วนตำบลบ้านน้ำใส", "Ban Namsai Subdistrict Office")
        head = self.words("ผู้ใหญ่บ้าน หมู่ 4", "Head of village 4")
        with self.database.writing() as session:
            put_communities(
                session,
                self.case.case_id,
                [
                    NewCommunity(
                        kind=CommunityKind.LOCAL_GOVERNMENT,
                        name=office,
                        email="office@namsai.example",
                        language=self.language,
                    ),
                    NewCommunity(kind=CommunityKind.VILLAGE_HEAD, name=head, email=None),
                ],
                "applicant-1",
                self.now,
            )
        return self

    # --- What happens -----------------------------------------------------------------------

    def act(self, act: a.Act, who: Actor) -> "Tale":
        """Let somebody act."""
        kind = kind_for(type(act), who)
        return self.happen(decide(self.case, act, who, self.now), who, kind)

    def happen(
        self,
        events: Iterable[e.Event],
        who: Actor = SYSTEM,
        kind: ActorKind = ActorKind.SYSTEM,
    ) -> "Tale":
        """Let events happen, recorded with the notices that follow from them."""
        self.case, lines = happen(self.case, events, who, kind, self.now)
        notices = [notice for line in lines for notice in notices_for(self.case, line)]
        with self.database.writing() as session:
            record(session, Moment(self.case, lines), notices)
        return self._show()

    def _show(self) -> "Tale":
        for row in self.notices():
            if row.key not in self._seen:
                self._seen.add(row.key)
                self._see(row)
        return self

    def wait(self, days: float) -> "Tale":
        """Let time pass, and with it everything it brings about."""
        self.now += timedelta(days=days)
        while events := tick(self.case, self.now):
            self.happen(events)
        return self

    def say(self, *emails: str | None, stance: Stance = Stance.NEUTRAL) -> "Tale":
        """Let the community speak, one author after another."""
        with self.database.writing() as session:
            for number, email in enumerate(emails, 1):
                session.add(
                    Representation(
                        case_id=self.case.case_id,
                        number=number,
                        stance=stance,
                        text="มีกลิ่นในตอนเช้า",
                        author_name="ชาวบ้าน",
                        author_email=email,
                        language=self.language,
                        received_at=self.now,
                        receipt=f"rep-{self.case.case_id[4:]}-{number}",
                        update_key=f"{self.case.case_id}-{number}",
                        digest="",
                    )
                )
                session.flush()
                if email:
                    at = {number: self.now}
                    add_notices(session, self.case.case_id, [receipt_for(number)], at)
        return self._show()

    # --- Stretches of a life ----------------------------------------------------------------

    def applied(self) -> "Tale":
        return self.act(a.SubmitApplication(contact="con-1"), APPLICANT)

    def returned(self) -> "Tale":
        items = (a.ReturnedItem(item="site-map", reason=self.words("แผนที่ไม่ชัดเจน", "Not legible")),)
        return self.act(a.ReturnApplication(items=items), actor("officer-1"))

    def accepted(self) -> "Tale":
        return self.act(a.AcceptApplication(remark=REASONS[self.language]), actor("officer-1"))

    def scheduled(self, inspector: str = "inspector-1") -> "Tale":
        return self.act(
            a.ScheduleInspection(
                visit_at=self.now + timedelta(days=10),
                inspector=inspector,
                declaration=a.ConflictDeclaration(has_conflict=False, statement="-"),
            ),
            actor("officer-1"),
        )

    def rescheduled(self, inspector: str = "inspector-2") -> "Tale":
        return self.act(
            a.RescheduleInspection(
                visit_at=self.now + timedelta(days=12),
                inspector=inspector,
                declaration=a.ConflictDeclaration(has_conflict=False, statement="-"),
                reason=self.words("ผู้ตรวจประเมินเดิมติดราชการ", "The inspector is away."),
            ),
            actor("officer-1"),
        )

    def inspected(self, *majors: str, inspector: str = "inspector-1") -> "Tale":
        self.wait(13)
        remark = self.words("ไม่พบบันทึกการตรวจวัด", "No record of measurements")
        findings = tuple(
            a.Finding(
                criterion=criterion.code,
                grade=Grade.MAJOR if criterion.code in majors else Grade.CONFORMITY,
                remark=remark if criterion.code in majors else None,
                evidence=(FILE,),
            )
            for criterion in self.case.terms.rules.criteria
        )
        return self.act(a.FileInspection(visited_at=self.now, findings=findings), actor(inspector))

    def corrected(self) -> "Tale":
        actions = tuple(
            a.CorrectiveAction(criterion=code, action="-") for code in self.case.to_correct()
        )
        return self.act(a.SubmitCorrectiveAction(actions=actions), APPLICANT)

    def verified(self, accepted: bool, inspector: str) -> "Tale":
        remark = self.words("ยังขาดผลตรวจวัดเดือนล่าสุด", "The last month is missing")
        verdicts = tuple(
            a.Verdict(criterion=code, accepted=accepted, remark=None if accepted else remark)
            for code in self.case.to_verify
        )
        return self.act(a.VerifyCorrectiveAction(verdicts=verdicts), actor(inspector))

    def closed(self, *numbers: int) -> "Tale":
        """End the feedback period with these representations."""
        assert self.case.running is not None
        self.now = self.case.running.due_at
        count = len(numbers)
        return self.happen([e.FeedbackClosed(representations=Numbers.of(numbers), neutral=count)])

    def answered(self, *numbers: int) -> "Tale":
        return self.act(
            a.DisposeRepresentations(
                numbers=numbers,
                disposition=a.Disposition.PARTLY_UPHELD,
                answer=REASONS[self.language],
            ),
            actor("officer-1"),
        )

    def recommended(self) -> "Tale":
        advice = a.Recommend(advice=a.Advice.GRANT, reasons=REASONS[self.language])
        return self.act(advice, actor("reviewer-1"))

    def decided(self, outcome: a.Outcome, back_to: Stage | None = None) -> "Tale":
        asked = (a.ReturnedItem(item="coordinator", reason=self.words("โปรดระบุ", "Please name")),)
        return self.act(
            a.Decide(
                outcome=outcome,
                reasons=REASONS[self.language],
                back_to=back_to,
                asked=asked if back_to else (),
            ),
            actor("decider-1"),
        )

    def to_decision(self) -> "Tale":
        """Go straight to the decision maker."""
        self.applied().accepted().scheduled().inspected()
        return self.closed().recommended()

    def words(self, thai: str, english: str) -> str:
        """Return the one of the tale's language."""
        return thai if self.language == "th" else english

    def notices(self) -> list[NoticeRow]:
        """Return the outbox of the case."""
        with self.database.reading() as session:
            return notices_of_case(session, self.case.case_id)


def tell_everything(
    database: Database,
    catalog: ProgramCatalog,
    language: Language,
    see: Callable[[NoticeRow], None],
) -> None:
    """Tell tales until each notice of the catalogue has come about, and show all as they come."""

    def tale(number: int) -> Tale:
        case_id = f"eco-tale0000{language}{number:02}"
        return Tale(database, catalog, case_id, language, see=see)

    first_code = catalog.get("eco-network", "1").rules().criteria[0].code
    long = tale(1).happen([e.EstablishmentInvited(drive="drive-1")]).wait(20).applied()
    long.returned().wait(20)
    answers = (a.AnsweredItem(item="site-map", answer="-"),)
    long.act(a.ResubmitApplication(answers=answers), APPLICANT)
    long.accepted().scheduled().rescheduled().inspected(first_code, inspector="inspector-2")
    long.corrected().verified(False, "inspector-2").corrected().verified(True, "inspector-2")
    extension = a.ExtendFeedback(days=7, reason=REASONS[language])
    long.act(extension, actor("supervisor-1"))
    long.say("villager@mail.example", None).closed(1, 2).answered(1).answered(2)
    long.recommended().decided(a.Outcome.DEFERRED, Stage.INSPECTION)
    long.scheduled().inspected().closed().recommended()
    long.decided(a.Outcome.GRANTED)
    long.happen([e.CertificationPublished(version=long.case.version, entry=1)])
    long.wait(1000).wait(200)

    rejected = tale(2).applied()
    rejected.act(a.RejectApplication(reasons=REASONS[language]), actor("officer-1"))
    withdrawn = tale(3).applied().accepted().scheduled()
    withdrawn.act(a.WithdrawApplication(), APPLICANT)
    tale(4).applied().returned().wait(60)
    tale(5).happen([e.EstablishmentInvited(drive="drive-1")]).wait(60)
    late = tale(6).applied().wait(90).accepted()
    reassignment = a.ReassignOfficer(officer="officer-2", reason=REASONS[language])
    late.act(reassignment, actor("supervisor-1")).scheduled()
    late.act(a.DeclareConflict(statement="-"), actor("inspector-1"))
    late.act(a.DeclareConflict(statement="-"), actor("officer-2"))
    tale(7).to_decision().decided(a.Outcome.REFUSED)
    for number, back_to in enumerate((Stage.RETURNED, Stage.FEEDBACK, Stage.REVIEW), 8):
        tale(number).to_decision().decided(a.Outcome.DEFERRED, back_to)
    spoken = tale(11).name_communities().applied().accepted().scheduled().inspected()
    spoken.say("villager@mail.example").closed(1).answered(1).recommended()
    spoken.decided(a.Outcome.GRANTED)
