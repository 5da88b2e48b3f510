"""A case at every stage, told as the records that the worker makes, with canaries in what is not public."""

from datetime import datetime, timedelta

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import Actor
from casework.domain.deadlines import tick
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import Contact, Establishment
from tests.sample_case import (
    APPLICANT,
    DECIDER,
    ESTABLISHMENT,
    INSPECTOR,
    NOW,
    OFFICER,
    act_of,
    findings,
    nonconformity,
)
from tests.store.story import Story, establishment, put

NUMBER = "eco-k3v7a2q5m4tz"
STAGES = tuple(stage for stage in Stage if stage is not Stage.NEW)
ENTRY = 7
"""The number of the entry in the register, for a case that was certified."""

REASONS = "Canary reasons."
CANARIES = ("canary", "นกขมิ้น")
"""Parts of everything that tells who or why."""


def told(database: Database, catalog: ProgramCatalog, stage: Stage, version: str = "1") -> Story:
    """Store a case at a stage, with its establishment and contact."""
    with database.writing() as session:
        session.add(
            Establishment(
                id=ESTABLISHMENT,
                registration_no="3-canary",
                name_th="โรงงานนกขมิ้น",
                name_en="Canary Mill",
                address="1 Canary Road",
                province="21",
                search_text="canary",
                created_at=NOW,
                updated_at=NOW,
            )
        )
        session.flush()
        session.add(
            Contact(
                id="con-1",
                establishment_id=ESTABLISHMENT,
                name="Somsri Canary",
                email="somsri@canary.example",
                language="th",
                created_at=NOW,
            )
        )
    return put(database, lead_to(stage, catalog, version))


def lead_to(stage: Stage, catalog: ProgramCatalog, version: str = "1") -> Story:
    """Tell how a case came to a stage."""
    story = Story(NUMBER, rules=catalog.get("eco-network", version).rules())
    match stage:
        case Stage.INVITED | Stage.DECLINED:
            story.happen([e.EstablishmentInvited(drive="drive-1")])
            if stage is Stage.DECLINED:
                _go(story, a.DeclineInvitation, APPLICANT, reason=REASONS)
        case Stage.RETURNED | Stage.LAPSED:
            story.lead_to(Stage.APPLICATION_REVIEW)
            items = (a.ReturnedItem(item=story.terms.rules.items[0], reason=REASONS),)
            _go(story, a.ReturnApplication, OFFICER, items=items)
            if stage is Stage.LAPSED:
                pass_time(story, NOW + timedelta(days=90))
        case Stage.REJECTED:
            story.lead_to(Stage.APPLICATION_REVIEW)
            _go(story, a.RejectApplication, OFFICER, reasons=REASONS)
        case Stage.CORRECTIVE_ACTION:
            story.lead_to(Stage.INSPECTION)
            rules = story.terms.rules
            found = findings(nonconformity(rules.criteria[0].code), rules=rules)
            _go(story, a.FileInspection, INSPECTOR, findings=found)
        case Stage.WITHDRAWN:
            story.lead_to(Stage.REVIEW)
            _go(story, a.WithdrawApplication, APPLICANT, reason=REASONS)
        case Stage.REFUSED:
            story.lead_to(Stage.DECISION)
            _go(story, a.Decide, DECIDER, outcome=a.Outcome.REFUSED, reasons=REASONS)
        case Stage.EXPIRED:
            publish(story.lead_to(Stage.CERTIFIED))
            pass_time(story, NOW + timedelta(days=1200))
        case _:
            story.lead_to(stage)
    return story


def publish(story: Story) -> None:
    """Let the register show the case."""
    story.happen([e.CertificationPublished(version=story.case.version, entry=ENTRY)])


def pass_time(story: Story, now: datetime) -> None:
    """Let everything happen that time alone brings about."""
    while happened := tick(story.case, now):
        story.happen(happened, now=now)


def _go(story: Story, kind: type[a.Act], actor: Actor, **said: object) -> None:
    act = act_of(kind, story.case).model_copy(update=said)
    story.act(act, establishment(actor, story.terms))
