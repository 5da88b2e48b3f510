"""Settlement: what became of acts whose outcome is not on record, found out from Temporal.

An API process can die, or lose its database, between Temporal's receipt and the record. The intent that it left is
the work list here: Temporal is asked for the update by its id, and what it brought about is recorded.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from casework.cases.recording import CaseRecorder
from casework.contracts.enrollment import POKE, ActAnswer
from casework.store.cases.casebook import JournalDifference, JournalGap, has_request
from casework.store.cases.intents import unsettled, withdraw
from casework.store.database import DATABASE_AWAY, Database
from casework.store.tables import IntentRow
from casework.store.texts import drop_unused

LOOK_EVERY = timedelta(seconds=2)
"""A look is one statement that an index answers."""

NOT_BEFORE = timedelta(seconds=3)
"""An act is under way for some milliseconds; one that is this old has lost its way."""

VOID_AFTER = timedelta(minutes=1)
"""When Temporal does not know an update that was sent so long ago, nothing came of it and nothing will: no caller
waits for longer than ten seconds."""

_ANSWER_WITHIN = timedelta(seconds=3)
_AT_A_TIME = 100
_AT_ONCE = 8

_log = structlog.get_logger(__name__)


class Settlement:
    """Settle intents. Two of these may work at the same time: recording is idempotent."""

    def __init__(
        self,
        database: Database,
        client: Client,
        recorder: CaseRecorder,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep the collaborators; ``now`` is UTC."""
        self._database = database
        self._client = client
        self._recorder = recorder
        self._now = now

    async def keep_settling(self) -> None:
        """Look for intents until this is canceled; an outage of a part ends a round and not the work."""
        while True:
            try:
                await self.settle_all()
            except DATABASE_AWAY as error:
                _log.warning("settlement_waits", reason=type(error).__name__)
            except Exception:
                _log.exception("settlement_failed")
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def settle_all(self) -> None:
        """Settle what has been there for a while, the oldest first; what gets no answer is asked again next time."""
        intents = await asyncio.to_thread(self._unsettled)
        for first in range(0, len(intents), _AT_ONCE):
            await asyncio.gather(*map(self._settle, intents[first : first + _AT_ONCE]))

    def _unsettled(self) -> list[IntentRow]:
        with self._database.reading() as session:
            return unsettled(session, self._now() - NOT_BEFORE, _AT_A_TIME)

    async def _settle(self, intent: IntentRow) -> None:
        handle = self._client.get_workflow_handle(intent.case_id).get_update_handle(
            intent.update_id, result_type=ActAnswer
        )
        try:
            async with asyncio.timeout(_ANSWER_WITHIN.total_seconds()):
                answer: ActAnswer = await handle.result()
        except WorkflowUpdateFailedError:
            await asyncio.to_thread(self._forget, intent)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                await self._without_answer(intent)
        except (RPCTimeoutOrCancelledError, TimeoutError):
            # It is on its way, or Temporal is away.
            return
        else:
            await self._record(intent, answer)

    async def _record(self, intent: IntentRow, answer: ActAnswer) -> None:
        try:
            await asyncio.to_thread(self._recorder.record, answer.unrecorded, (intent.update_id,))
        except (JournalGap, JournalDifference) as error:
            # Lines before these may wait in the case; it records all that it keeps.
            _log.error("act_not_recorded", case=intent.case_id, reason=str(error))
            await self._client.get_workflow_handle(intent.case_id).signal(POKE)
        else:
            await asyncio.to_thread(self._drop_unused, intent)

    async def _without_answer(self, intent: IntentRow) -> None:
        """Settle an intent whose update Temporal does not know: of a run that has ended, or of none."""
        is_old = intent.sent_at < self._now() - VOID_AFTER
        if is_old or await asyncio.to_thread(self._is_on_record, intent):
            await asyncio.to_thread(self._forget, intent)

    def _is_on_record(self, intent: IntentRow) -> bool:
        with self._database.reading() as session:
            return has_request(session, intent.case_id, intent.update_id)

    def _forget(self, intent: IntentRow) -> None:
        with self._database.writing() as session:
            if withdraw(session, intent.update_id, intent.attempts):
                drop_unused(session, intent.update_id)

    def _drop_unused(self, intent: IntentRow) -> None:
        """Leave no text of another act that came under the same key, and was refused for that."""
        with self._database.writing() as session:
            drop_unused(session, intent.update_id)
