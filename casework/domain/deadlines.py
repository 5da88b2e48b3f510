"""What time alone does to a case, and when it will do it next."""

from datetime import datetime

from casework.domain import events as e
from casework.domain.calendar import shift
from casework.domain.case import Case
from casework.domain.rules import LAPSING, PeriodName


def tick(case: Case, now: datetime) -> tuple[e.Event, ...]:
    """Return the events that the passing of time has brought about by ``now`` (UTC).

    At most one reminder and one escalation at a time: after a long outage the last one is enough. The end of
    the feedback period is not here, because it has to read the representations first (:func:`feedback_is_over`).
    """
    running = case.running
    if running is None:
        return ()
    rules = case.terms.rules.periods[running.period]
    if now < running.due_at:
        passed = sum(shift(running.due_at, -days, rules.unit) <= now for days in rules.reminders)
        if passed > running.reminded:
            return (
                e.DeadlineReminded(period=running.period, due_at=running.due_at, number=passed),
            )
        return ()
    if running.period in LAPSING:
        return (e.CaseLapsed(period=running.period, due_at=running.due_at),)
    if running.period is PeriodName.VALIDITY:
        return (e.CertificationExpired(),)
    passed = sum(shift(running.due_at, days, rules.unit) <= now for days in rules.escalations)
    if running.period is not PeriodName.FEEDBACK and passed > running.escalated:
        return (e.DeadlineEscalated(period=running.period, due_at=running.due_at, number=passed),)
    return ()


def feedback_is_over(case: Case, now: datetime) -> bool:
    """Say whether the feedback period has ended and waits to be closed."""
    running = case.running
    return running is not None and running.period is PeriodName.FEEDBACK and running.due_at <= now


def next_deadline(case: Case, now: datetime) -> datetime | None:
    """Return the earliest moment (UTC) at which :func:`tick` or :func:`feedback_is_over` will have something to say.

    It is not after ``now`` exactly when they have something to say already.
    """
    running = case.running
    if running is None:
        return None
    rules = case.terms.rules.periods[running.period]
    if now < running.due_at and running.reminded < len(rules.reminders):
        return shift(running.due_at, -rules.reminders[running.reminded], rules.unit)
    if running.period in LAPSING or running.period in {PeriodName.FEEDBACK, PeriodName.VALIDITY}:
        return running.due_at
    if running.escalated < len(rules.escalations):
        return shift(running.due_at, rules.escalations[running.escalated], rules.unit)
    return None
