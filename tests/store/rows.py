"""Rows of cases and establishments for tests that need many of them and no history."""

from datetime import datetime, timedelta
from typing import Any

from casework.domain.stages import CLOSED, Stage
from casework.store.search import searchable
from casework.store.tables import END_OF_TIME, Enrollment
from tests.sample_case import ESTABLISHMENT, NOW


def case_row(case_id: str, **more: object) -> dict[str, object]:
    """Return the values of a row in ``cases``."""
    stage = more.get("stage", Stage.APPLICATION_REVIEW)
    due_at = more.setdefault("due_at", None if stage in CLOSED else NOW + timedelta(days=1))
    return {
        "case_id": case_id,
        "version": 1,
        "stage": stage,
        "program": "eco-network",
        "program_version": "test",
        "province": "21",
        "establishment_id": f"est-{case_id}",
        "officer": None,
        "queue_at": due_at if isinstance(due_at, datetime) else END_OF_TIME,
        "next_deadline_at": due_at,
        "opened_at": NOW,
        "changed_at": NOW,
        "feedback_closed": False,
        "is_closed": stage in CLOSED,
        "calendar_revision": "revision",
        "head": "",
        "snapshot": "{}",
        **more,
    }


def establishment_row(establishment_id: str, **more: object) -> dict[str, object]:
    """Return the values of a row in ``establishments``."""
    row = {
        "id": establishment_id,
        "registration_no": establishment_id,
        "name_th": None,
        "name_en": None,
        "address": "1 หมู่ 2",
        "province": "21",
        "created_at": NOW,
        "updated_at": NOW,
        **more,
    }
    texts = (row["registration_no"], row["name_th"], row["name_en"], row["address"])
    row["search_text"] = searchable(*(str(text) for text in texts if text))
    return row


def enrollment(case_id: str, **more: Any) -> Enrollment:
    """Return the reservation of the sample establishment's case."""
    values: dict[str, Any] = {
        "program": "eco-network",
        "establishment_id": ESTABLISHMENT,
        "cycle": 1,
        "program_version": "1",
        "province": "21",
        "contact_id": "con-1",
        "applicant": "applicant-1",
        "update_id": "k",
        "digest": "d",
        "created_at": NOW,
    }
    return Enrollment(case_id=case_id, **values | more)
