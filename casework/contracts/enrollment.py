"""How the world talks to an :class:`~workflows.enrollment_case.EnrollmentCase`: queue, id, acts and receipts."""

import base64
import hashlib
import json
from typing import Annotated

from pydantic import Field, JsonValue

from casework.contracts.casebook import Unrecorded
from casework.domain._model import Frozen, Instant, Row
from casework.domain.actors import Actor
from casework.domain.acts import Act
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Case
from casework.domain.stages import Stage

TASK_QUEUE = "casework-cases"
WORKFLOW = "EnrollmentCase"
POKE = "poke"
ADOPT_CALENDAR = "adopt-calendar"

BUSY = "CaseBusy"
"""The failure of an update that came while the case ends its feedback period or publishes: nothing was done, and a
moment later it can be."""

MOST_BYTES_OF_AN_ACT = 48 * 1024
"""An act's body may not be longer than this, so that every payload stays under 64 KiB."""

MOST_UNRECORDED = 32
"""When more lines than this wait for whoever asked to record them, the case has an activity do it."""

MOST_APPLIED_ACTS = 128
"""How many applied acts a case remembers across continue-as-new."""


def case_id_of(prefix: str, program: str, establishment: str, cycle: int) -> str:
    """Return the id of the case, which is also the id of its workflow: opaque, and always the same for one enrollment.

    60 bits of SHA-256 in lower-case base 32 after the program's prefix, such as ``eco-k3v9a2q7m4tz``.
    """
    name = json.dumps([program, establishment, cycle]).encode()
    letters = base64.b32encode(hashlib.sha256(name).digest()).decode().lower()
    return f"{prefix}-{letters[:12]}"


def digest_of(name: str, body: JsonValue) -> str:
    """Return a short digest of an act's name and body, to tell a repeated request from a changed one."""
    text = json.dumps([name, body], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class ActRequest(Frozen):
    """One act as it travels in an update whose name is the name of the act."""

    actor: Actor
    body: dict[str, JsonValue]
    digest: str
    expected_version: Annotated[int, Field(ge=0)] | None = None

    @classmethod
    def of(cls, act: Act, actor: Actor, expected_version: int | None = None) -> "ActRequest":
        """Wrap an act. ``expected_version`` is the version the person saw, or None for a new case."""
        body = act.model_dump(mode="json", exclude_defaults=True)
        digest = digest_of(act.slug, body)
        return cls(actor=actor, body=body, digest=digest, expected_version=expected_version)


class ActReceipt(Row):
    """The answer to an act that was applied. The same act with the same key gets the same receipt."""

    version: int
    stage: Stage
    at: Instant
    digest: str


class ActAnswer(Frozen):
    """A receipt, and with it every line that is not known to be on record: whoever gets it records them."""

    receipt: ActReceipt
    unrecorded: Unrecorded


class AppliedAct(Frozen):
    """An act that was applied, under the id of its update."""

    update_id: str
    receipt: ActReceipt


class EnrollmentInput(Frozen):
    """What a run of a case starts with: the case so far and the acts already applied to it."""

    case: Case
    applied: tuple[AppliedAct, ...] = ()


class CaseOutcome(Frozen):
    """How a case ended."""

    case_id: str
    stage: Stage
    version: int


class CalendarChange(Frozen):
    """The public holidays from now on."""

    calendar: WorkCalendar
