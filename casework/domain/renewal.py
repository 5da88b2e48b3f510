"""When the holder of a certification may apply for the next one."""

from datetime import datetime, timedelta

from casework.domain.stages import Stage

RENEWAL_OPENS = timedelta(days=180)
"""How long before the end of a certification its holder may apply again: a case takes up to eight months, most
take less, and the first reminder of the programs that ship goes out on the same day."""


def leaves_room_for_the_next(stage: Stage, valid_until: datetime | None, now: datetime) -> bool:
    """Say whether an open case lets its establishment open the next: it is certified, and its end is near."""
    return (
        stage is Stage.CERTIFIED and valid_until is not None and valid_until - RENEWAL_OPENS <= now
    )
