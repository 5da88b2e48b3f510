"""Why a date is what it is: who held the case in each stretch of time, and the count to its end.

Pure, and the same answer for API, console and applicant view. It explains the clock that
:mod:`casework.domain.case` runs; it never decides anything.
"""

from datetime import date, datetime
from enum import StrEnum

from casework.domain._model import Frozen, Instant
from casework.domain.calendar import (
    BANGKOK,
    Language,
    WorkCalendar,
    format_date,
    last_day,
    local_date,
)
from casework.domain.case import Case, Interval, Running
from casework.domain.rules import HOLDERS, Holder, Period, PeriodName, Unit
from casework.domain.stages import Stage


class Sentence(Frozen):
    """The same thing said in Thai and in English."""

    th: str
    en: str


class ClockState(StrEnum):
    """Whether time still counts in a stretch."""

    RUNNING = "running"
    STOPPED = "stopped"


class Stretch(Frozen):
    """A stretch of time in which the case waited for one holder.

    ``counted`` is how much of the period it used, in the period's ``unit``: the day of the start is
    not counted (Civil and Commercial Code, s. 193/3). A period in months has no such count.
    """

    period: PeriodName
    holder: Holder
    state: ClockState
    since: Instant
    until: Instant | None
    unit: Unit
    counted: int | None
    why: Sentence


class DueDate(Frozen):
    """The period that runs now, and the count that leads to its end.

    ``last_day`` is the last Bangkok day on which one is still in time; None for a period in
    seconds. ``left_out`` are the public holidays that the count passed over; weekends are never
    counted.
    """

    period: PeriodName
    holder: Holder
    since: Instant
    due_at: Instant
    last_day: date | None
    is_overdue: bool
    length: int
    unit: Unit
    used: int
    extended_by: int
    left_out: tuple[date, ...]
    why: Sentence


class CaseClock(Frozen):
    """The explained clock of a case at the moment ``at``; ``due`` is None once nothing runs."""

    stage: Stage
    at: Instant
    due: DueDate | None
    stretches: tuple[Stretch, ...]


def explain(case: Case, now: datetime) -> CaseClock:
    """Explain every stretch of the case's time and the date it waits for."""
    return CaseClock(
        stage=case.stage,
        at=now,
        due=_due(case, case.running, now) if case.running else None,
        stretches=tuple(_stretch(case, interval, now) for interval in case.clock),
    )


def _due(case: Case, running: Running, now: datetime) -> DueDate:
    period = case.terms.rules.periods[running.period]
    days = period.unit is not Unit.SECONDS
    left_out = _left_out(case.terms.calendar, period, running)
    return DueDate(
        period=running.period,
        holder=HOLDERS[running.period],
        since=running.since,
        due_at=running.due_at,
        last_day=last_day(running.due_at) if days else None,
        is_overdue=running.due_at <= now,
        length=period.length,
        unit=period.unit,
        used=running.used,
        extended_by=running.extended_by,
        left_out=left_out,
        why=Sentence(
            th=" ".join(_why_due(case.terms.calendar, period, running, left_out, "th")),
            en=" ".join(_why_due(case.terms.calendar, period, running, left_out, "en")),
        ),
    )


def _left_out(calendar: WorkCalendar, period: Period, running: Running) -> tuple[date, ...]:
    """Return the holidays that a count in working days passed over, Monday to Friday."""
    if period.unit is not Unit.WORKING_DAYS:
        return ()
    first, last = local_date(running.since), last_day(running.due_at)
    return tuple(day for day in calendar.holidays if first < day <= last)


def _why_due(
    calendar: WorkCalendar,
    period: Period,
    running: Running,
    left_out: tuple[date, ...],
    language: Language,
) -> list[str]:
    if period.unit is Unit.SECONDS:
        return [_why_seconds(period, running, language)]
    start, end = local_date(running.since), last_day(running.due_at)
    written, ends = format_date(start, language), format_date(end, language)
    thai = language == "th"
    parts = [_length(period.length, period.unit, language) + ("" if thai else ".")]
    if running.used:
        left = max(0, period.length - running.used)
        parts.append(
            f"ใช้ไปแล้ว {running.used} วันก่อนส่งคำขอคืน เหลืออีก {left} วัน"
            if thai
            else f"{running.used} were used before the application was returned, so {left} are left."
        )
    parts.append(
        f"เริ่มนับตั้งแต่วันถัดจากวันที่ {written}" if thai else f"Counting began on the day after {written}."
    )
    if period.unit is Unit.WORKING_DAYS:
        parts.append(_what_was_left_out(left_out, language))
    if running.extended_by:
        parts.append(
            f"ขยายเวลาอีก {running.extended_by} วัน"
            if thai
            else f"It was extended by {running.extended_by} calendar days."
        )
    if _was_moved(calendar, period, running):
        parts.append(
            "วันสุดท้ายตามการนับเป็นวันหยุด จึงเลื่อนไปเป็นวันทำการถัดไป (ป.พ.พ. มาตรา 193/8)"
            if thai
            else "The last day counted is no working day, so the next one takes its place "
            "(Civil and Commercial Code, s. 193/8)."
        )
    parts.append(f"วันสุดท้ายคือวันที่ {ends}" if thai else f"The last day is {ends}.")
    return parts


def _why_seconds(period: Period, running: Running, language: Language) -> str:
    at = running.since.astimezone(BANGKOK).strftime("%H:%M:%S")
    day = format_date(local_date(running.since), language)
    total = period.length + running.extended_by
    if language == "th":
        return f"หลักเกณฑ์ตัวอย่างนับเป็นวินาที: {total} วินาที นับจากวันที่ {day} เวลา {at} น."
    return f"A sample program counts in seconds: {total} seconds from {day}, {at} Bangkok time."


def _what_was_left_out(left_out: tuple[date, ...], language: Language) -> str:
    if language == "th":
        if not left_out:
            return "ไม่นับวันเสาร์และวันอาทิตย์"
        days = ", ".join(format_date(day, "th") for day in left_out)
        return f"ไม่นับวันเสาร์ วันอาทิตย์ และวันหยุดราชการ {len(left_out)} วัน ({days})"
    if not left_out:
        return "Saturdays and Sundays are not counted."
    days = ", ".join(format_date(day, "en") for day in left_out)
    holidays = "1 public holiday" if len(left_out) == 1 else f"{len(left_out)} public holidays"
    return f"Saturdays, Sundays and {holidays} ({days}) are not counted."


def _was_moved(calendar: WorkCalendar, period: Period, running: Running) -> bool:
    """Say whether the count ended on a day off and the end went to the next working day."""
    if period.unit is not Unit.CALENDAR_DAYS:
        return False
    counted = (last_day(running.due_at) - local_date(running.since)).days
    return counted > max(0, period.length - running.used) + running.extended_by


def _stretch(case: Case, interval: Interval, now: datetime) -> Stretch:
    unit = case.terms.rules.periods[interval.period].unit
    runs = interval.until is None
    counted = _counted(case.terms.calendar, unit, interval.since, interval.until or now)
    return Stretch(
        period=interval.period,
        holder=interval.holder,
        state=ClockState.RUNNING if runs else ClockState.STOPPED,
        since=interval.since,
        until=interval.until,
        unit=unit,
        counted=counted,
        why=Sentence(
            th=_why_stretch(interval, unit, counted, "th"),
            en=_why_stretch(interval, unit, counted, "en"),
        ),
    )


def _counted(calendar: WorkCalendar, unit: Unit, since: datetime, until: datetime) -> int | None:
    match unit:
        case Unit.SECONDS:
            return max(0, int((until - since).total_seconds()))
        case Unit.WORKING_DAYS:
            return calendar.working_days(local_date(since), local_date(until))
        case Unit.CALENDAR_DAYS:
            return max(0, (local_date(until) - local_date(since)).days)
        case Unit.MONTHS:
            return None


def _why_stretch(interval: Interval, unit: Unit, counted: int | None, language: Language) -> str:
    since = format_date(local_date(interval.since), language)
    until = format_date(local_date(interval.until), language) if interval.until else None
    amount = _length(counted, unit, language) if counted is not None else None
    if language == "th":
        holder = _HOLDERS_TH[interval.holder]
        if until is None:
            used = f" ใช้ไปแล้ว {amount}" if amount else ""
            return f"เรื่องอยู่ที่{holder}ตั้งแต่วันที่ {since} และยังนับเวลาอยู่{used}"
        used = f" ใช้ไป {amount}" if amount else ""
        return f"เรื่องอยู่ที่{holder}ตั้งแต่วันที่ {since} ถึงวันที่ {until}{used}"
    holder = _HOLDERS_EN[interval.holder]
    if until is None:
        used = f": {amount} so far" if amount else ""
        return f"The case has waited for {holder} since {since}, and the time runs{used}."
    used = f": {amount}" if amount else ""
    return f"The case waited for {holder} from {since} to {until}{used}."


def _length(n: int, unit: Unit, language: Language) -> str:
    if language == "th":
        return f"{n} {_UNITS_TH[unit]}"
    word = _UNITS_EN[unit]
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


_UNITS_TH = {
    Unit.WORKING_DAYS: "วันทำการ",
    Unit.CALENDAR_DAYS: "วัน",
    Unit.MONTHS: "เดือน",
    Unit.SECONDS: "วินาที",
}
_UNITS_EN = {
    Unit.WORKING_DAYS: "working day",
    Unit.CALENDAR_DAYS: "calendar day",
    Unit.MONTHS: "month",
    Unit.SECONDS: "second",
}
_HOLDERS_TH = {
    Holder.OFFICE: "สำนักงานอุตสาหกรรมจังหวัด",
    Holder.APPLICANT: "ผู้ยื่นคำขอ",
    Holder.INSPECTOR: "ผู้ตรวจประเมิน",
    Holder.COMMUNITY: "ขั้นรับฟังความคิดเห็นของชุมชน",
    Holder.REVIEWER: "ผู้ทบทวน",
    Holder.DECISION_MAKER: "ผู้มีอำนาจพิจารณาให้การรับรอง",
    Holder.CERTIFICATE_HOLDER: "ผู้ได้รับการรับรอง",
}
_HOLDERS_EN = {
    Holder.OFFICE: "the provincial office",
    Holder.APPLICANT: "the applicant",
    Holder.INSPECTOR: "the inspector",
    Holder.COMMUNITY: "the community",
    Holder.REVIEWER: "the reviewer",
    Holder.DECISION_MAKER: "the decision maker",
    Holder.CERTIFICATE_HOLDER: "the certificate holder",
}
