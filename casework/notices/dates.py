"""How notices write instants: as days and times of Bangkok, in the words of the reader's language."""

from datetime import datetime, time

from casework.domain.calendar import BANGKOK, Language, format_date, last_day, local_date


def day(at: datetime, language: Language) -> str:
    """Write the Bangkok day of an instant."""
    return format_date(local_date(at), language)


def moment(at: datetime, language: Language) -> str:
    """Write day and time: ``22 พฤศจิกายน 2569 เวลา 09.30 น.`` or ``22 November 2026 at 09:30``."""
    local = at.astimezone(BANGKOK)
    if language == "th":
        return f"{day(at, language)} เวลา {local:%H.%M} น."
    return f"{day(at, language)} at {local:%H:%M}"


def deadline(due: datetime, language: Language) -> str:
    """Write the last day on which one is in time; with the time where a period ends within a day.

    Periods end with a Bangkok day, but those of sample programs are counted in seconds.
    """
    if due.astimezone(BANGKOK).time() == time.min:
        return format_date(last_day(due), language)
    return moment(due, language)
