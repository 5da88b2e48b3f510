"""Notices leave once: claimed by one sender, marked with its claim, unknown after a crash."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from casework.domain.numbers import Numbers
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.store import outbox
from casework.store.database import Database
from casework.store.outbox import AUTHORS, NewNotice, key_of
from casework.store.representations import NewRepresentation, submit
from casework.store.tables import NoticeRow, NoticeState, NoticeSubject
from tests.sample_case import NOW, TERMS
from tests.statements import counted
from tests.store.story import Story, put, recorded

CASE = TERMS.case_id
LATER = NOW + timedelta(minutes=10)


def queue(database: Database, *recipients: str) -> list[str]:
    notices = [NewNotice("receipt", 1, who) for who in recipients]
    put(database, Story().lead_to(Stage.APPLICATION_REVIEW), notices)
    return [key_of(CASE, "receipt", 1, who) for who in recipients]


def claim(database: Database, name: str = "c1", now: datetime = NOW, limit: int = 10) -> list[str]:
    with database.writing() as session:
        return [row.key for row in outbox.claim_due(session, now, limit, name)]


def row(database: Database, key: str) -> NoticeRow:
    with database.reading() as session:
        return session.get_one(NoticeRow, key)


def test_a_notice_is_due_with_its_event_and_claimed_once(database: Database) -> None:
    keys = queue(database, "con-1", "officer-21", "supervisors")
    assert claim(database, now=NOW - timedelta(microseconds=1)) == []
    assert claim(database, limit=2) == sorted(keys)[:2]
    assert claim(database, "c2") == sorted(keys)[2:]
    assert claim(database, "c3") == []
    claimed = row(database, keys[0])
    assert (claimed.state, claimed.attempts, claimed.claim) == (NoticeState.SENDING, 1, "c1")
    assert claimed.claimed_at == NOW


def test_claiming_takes_one_statement(database: Database) -> None:
    queue(database, "con-1")
    with counted(database.engine) as sent:
        claim(database)
    assert (sent.statements, sent.commits) == (1, 1), sent


def test_what_has_been_due_longest_goes_first(database: Database) -> None:
    keys = queue(database, "a", "b", "c")
    claim(database)
    with database.writing() as session:
        for key, minutes in zip(keys, (3, 1, 2), strict=True):
            assert outbox.put_back(session, key, "c1", NOW + timedelta(minutes=minutes), "busy")
    assert claim(database, now=LATER) == [keys[1], keys[2], keys[0]]


def test_what_may_wait_goes_when_there_is_nothing_else(database: Database) -> None:
    put(
        database,
        Story().lead_to(Stage.APPLICATION_REVIEW),
        [
            NewNotice("invitation", 1, "con-1", bulk=True),
            NewNotice("receipt", 1, "con-2"),
        ],
    )
    for expected in ("receipt", "invitation"):
        with database.writing() as session:
            (taken,) = outbox.claim_due(session, NOW, 1, "c1")
        assert taken.slug == expected


def queue_two_events(database: Database, *recipients: str) -> tuple[str, str]:
    """Queue, of two events of the same moment, "z" for the first recipient and then "a" for the last."""
    story = Story().lead_to(Stage.INSPECTION)
    put(
        database,
        story,
        [NewNotice("z", 1, recipients[0]), NewNotice("a", 2, recipients[-1])],
    )
    with database.writing() as session:
        for notice in outbox.notices_of_case(session, CASE):
            notice.next_attempt_at = notice.created_at = NOW
    return key_of(CASE, "z", 1, recipients[0]), key_of(CASE, "a", 2, recipients[-1])


def test_one_recipient_gets_the_notices_of_a_case_in_the_order_of_its_events(
    database: Database,
) -> None:
    first, second = queue_two_events(database, "applicant")
    assert claim(database) == [first]
    assert claim(database, "c2") == []
    with database.writing() as session:
        assert outbox.mark_sent(session, first, "c1", NOW, "<1@example.org>")
    assert claim(database, "c2") == [second]


def test_what_waits_for_another_attempt_is_not_overtaken(database: Database) -> None:
    first, second = queue_two_events(database, "applicant")
    claim(database)
    with database.writing() as session:
        assert outbox.put_back(session, first, "c1", LATER, "451 4.3.0 Try later")
    assert claim(database, "c2") == []
    assert claim(database, "c3", LATER) == [first]
    with database.writing() as session:
        assert outbox.put_back(session, first, "c3", LATER)
    assert claim(database, "c4", NOW) == []
    with database.writing() as session:
        outbox.claim_due(session, LATER, 10, "c5")
        assert outbox.mark_sent(session, first, "c5", LATER, "<1@example.org>")
    assert claim(database, "c6", LATER) == [second]


@pytest.mark.parametrize("mark", [outbox.mark_failed, outbox.mark_unknown])
def test_what_will_not_leave_by_itself_holds_up_nothing(
    database: Database, mark: Callable[..., bool]
) -> None:
    first, second = queue_two_events(database, "applicant")
    claim(database)
    with database.writing() as session:
        assert mark(session, first, "c1", NOW, "The mailbox is gone.")
    assert claim(database, "c2") == [second]


def test_one_recipient_does_not_wait_for_the_mail_server_of_another(database: Database) -> None:
    first, second = queue_two_events(database, "representation:1", "applicant")
    assert claim(database, limit=1) == [first]
    with database.writing() as session:
        assert outbox.put_back(session, first, "c1", LATER, "451 4.3.0 Try later")
    assert claim(database, "c2") == [second]


def test_a_receipt_goes_before_the_answer_although_its_number_is_higher(
    database: Database,
) -> None:
    _, answer = queue_two_events(database, "representation:9")
    with database.writing() as session:
        before = NOW - timedelta(days=1)
        receipt = NewNotice("receipt", 9, "representation:9", subject=NoticeSubject.REPRESENTATION)
        outbox.add_notices(session, CASE, [receipt], {9: before})
    assert claim(database) == [key_of(CASE, "receipt", 9, "representation:9")]
    assert row(database, answer).subject is NoticeSubject.EVENT


def test_what_a_claim_took_unheard_is_released_and_no_attempt_counts(database: Database) -> None:
    keys = queue(database, "a", "b", "c")
    claim(database, "c1", limit=1)
    claim(database, "lost", limit=1)
    with database.writing() as session:
        assert outbox.release(session, "lost") == 1
        assert outbox.release(session, "lost") == 0
    released = row(database, keys[1])
    assert (released.state, released.attempts, released.claim) == (NoticeState.CREATED, 0, None)
    assert claim(database, "c2") == keys[1:]
    assert row(database, keys[0]).claim == "c1"


def test_a_sent_notice_keeps_its_message_id_and_is_not_sent_again(database: Database) -> None:
    (key,) = queue(database, "con-1")
    claim(database)
    with database.writing() as session:
        assert outbox.mark_sent(session, key, "c1", LATER, "<1@example.org>")
    sent = row(database, key)
    assert (sent.state, sent.message_id, sent.finished_at) == (
        NoticeState.SENT,
        "<1@example.org>",
        LATER,
    )
    assert claim(database, now=LATER) == []
    with database.writing() as session:
        assert not outbox.mark_failed(session, key, "c1", LATER, "late")
        assert not outbox.send_again(session, key, LATER)
        assert outbox.count_by_state(session) == {NoticeState.SENT: 1}


def test_only_the_holder_of_the_claim_may_mark(database: Database) -> None:
    (key,) = queue(database, "con-1")
    claim(database)
    with database.writing() as session:
        assert not outbox.mark_sent(session, key, "c2", NOW, "<1@example.org>")
        assert not outbox.mark_failed(session, key, "c2", NOW, "no")
        assert not outbox.mark_unknown(session, key, "c2", NOW, "no")
        assert not outbox.put_back(session, key, "c2", NOW)
    assert row(database, key).state is NoticeState.SENDING


def test_a_notice_that_was_put_back_counts_only_real_attempts(database: Database) -> None:
    (key,) = queue(database, "con-1")
    claim(database)
    with database.writing() as session:
        assert outbox.put_back(session, key, "c1", LATER)
    waiting = row(database, key)
    assert (waiting.state, waiting.attempts, waiting.claim) == (NoticeState.CREATED, 0, None)
    assert claim(database) == []
    assert claim(database, now=LATER) == [key]
    with database.writing() as session:
        assert outbox.put_back(session, key, "c1", LATER, failure="451 4.3.0 Try later")
    waiting = row(database, key)
    assert (waiting.attempts, waiting.failure) == (1, "451 4.3.0 Try later")


def test_what_a_crash_left_behind_is_unknown_and_stays_so(database: Database) -> None:
    first, second = queue(database, "a", "b")
    claim(database, "c1", NOW, limit=1)
    claim(database, "c2", LATER, limit=1)
    with database.writing() as session:
        assert outbox.abandon_stale(session, LATER, timedelta(minutes=5)) == 1
    assert row(database, first).state is NoticeState.UNKNOWN
    assert row(database, second).state is NoticeState.SENDING
    assert claim(database, "c3", LATER + timedelta(days=9)) == []


def test_a_slow_sender_may_still_say_what_became_of_it(database: Database) -> None:
    (key,) = queue(database, "con-1")
    claim(database)
    with database.writing() as session:
        outbox.abandon_stale(session, LATER, timedelta(minutes=5))
    with database.writing() as session:
        assert outbox.mark_sent(session, key, "c1", LATER, "<1@example.org>")
    assert row(database, key).state is NoticeState.SENT


def test_a_person_may_send_an_unknown_notice_again(database: Database) -> None:
    (key,) = queue(database, "con-1")
    claim(database)
    with database.writing() as session:
        assert outbox.mark_unknown(session, key, "c1", NOW, "The connection broke.")
        assert outbox.send_again(session, key, LATER)
    assert claim(database, "c2", LATER) == [key]
    with database.writing() as session:
        assert not outbox.mark_sent(session, key, "c1", LATER, "<late@example.org>")


def test_authors_are_those_who_left_an_address_with_an_accepted_representation(
    database: Database,
) -> None:
    story = recorded(database, Stage.FEEDBACK)
    with database.writing() as session:
        for n in range(1, 13):
            new = NewRepresentation(
                stance=Stance.SUPPORT,
                text="ดี",
                language="th",
                update_key=f"k{n}",
                digest="d",
                author_email=None if n == 3 else f"a{n}@example.org",
            )
            submit(session, CASE, new, NOW).accepted = n != 4
    story.close_feedback(range(1, 13))
    seq = story.case.version
    notices = [
        NewNotice("closed", seq, AUTHORS),
        NewNotice("thanks", seq, AUTHORS, Numbers.of([2, 3, 4, 10, 11, 12])),
        NewNotice("nobody", seq, AUTHORS, Numbers()),
    ]
    put(database, story, notices, since=len(story.requests) - 1)
    with database.reading() as session:
        queued = outbox.notices_of_case(session, CASE)
    numbers = {
        slug: sorted(int(n.recipient.split(":")[1]) for n in queued if n.slug == slug)
        for slug in ("closed", "thanks", "nobody")
    }
    assert numbers == {
        "closed": [1, 2, 5, 6, 7, 8, 9, 10, 11, 12],
        "thanks": [2, 10, 11, 12],
        "nobody": [],
    }
    assert {(n.state, n.attempts, n.next_attempt_at) for n in queued} == {
        (NoticeState.CREATED, 0, story.case.changed_at)
    }


@pytest.mark.parametrize("limit", [1, 3])
def test_senders_at_work_together_get_different_notices(database: Database, limit: int) -> None:
    keys = queue(database, *(f"con-{n:02}" for n in range(30)))
    together = threading.Barrier(3)
    got: dict[str, list[str]] = {}
    failures: list[Exception] = []

    def send(name: str) -> None:
        together.wait()
        mine: list[str] = []
        try:
            while claimed := claim(database, name, limit=limit):
                assert len(claimed) <= limit
                mine += claimed
        except Exception as error:
            failures.append(error)
        got[name] = mine

    threads = [threading.Thread(target=send, args=(f"c{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(key for mine in got.values() for key in mine) == keys


@pytest.mark.postgres
def test_a_sender_does_not_wait_for_what_another_is_claiming(
    postgresql_database: Database,
) -> None:
    keys = queue(postgresql_database, "a", "b")
    with postgresql_database.writing() as session:
        (first,) = outbox.claim_due(session, NOW, 1, "c1")
        # The claim above is not committed yet.
        assert claim(postgresql_database, "c2") == [key for key in keys if key != first.key]
