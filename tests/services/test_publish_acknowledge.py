"""Un-verifications on their way: numbered in order, checked once more, served, acknowledged once."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.models import Address, AuditEntry, DecisionKind, Domain, Source, Unverification, UnverificationState
from dashboard.services.acknowledge import Ack, AckStatus, acknowledge
from dashboard.services.publish import Published, mark_sent, publish
from tests.conftest import START
from tests.services.test_decide import ask, lapse
from tests.support import story

SOURCE = Actor(ActorKind.SOURCE, "index")


@pytest.fixture
def approved(context: Flask) -> None:
    """A case of three addresses, approved."""
    ask(lapse(3), DecisionKind.APPROVE)


def publish_all(limit: int = 1000) -> Published:
    with writing() as session:
        return publish(session, START, limit)


def items() -> list[Unverification]:
    db.session.expire_all()
    return list(db.session.scalars(select(Unverification).order_by(Unverification.id)))


def settle(result: str, public_ids: list[str], source_id: int = 1) -> list[AckStatus]:
    with writing() as session:
        acks = [Ack(public_id, UnverificationState(result), "said so") for public_id in public_ids]
        return [status for _, status in acknowledge(session, source_id, "index", acks, SOURCE, START)]


def verified() -> int:
    return db.session.scalar(select(func.count()).where(Address.verified)) or 0


def test_published_items_are_numbered_without_gaps_across_turns(approved: None) -> None:
    assert publish_all(limit=2) == Published(2, 0, 0)
    assert publish_all(limit=2) == Published(1, 0, 0)
    assert publish_all() == Published(0, 0, 0)
    assert [item.seq for item in items()] == [1, 2, 3]
    assert db.session.scalars(select(Source.last_seq)).one() == 3


def test_two_publishers_at_once_number_each_item_once(app: Flask) -> None:
    with app.app_context():
        ask(lapse(10), DecisionKind.APPROVE)

    def work() -> None:
        with app.app_context():
            for _ in range(5):
                publish_all(limit=2)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        publish_all()
        assert sorted(item.seq or 0 for item in items()) == list(range(1, 11))


def test_an_address_that_changed_since_it_was_judged_is_stale_and_not_sent(approved: None) -> None:
    with writing() as session:
        session.execute(update(Address).where(Address.id == 2).values(state_token="t2"))
    assert publish_all() == Published(published=2, stale=1, withheld=0)
    assert [(item.state, item.seq) for item in items()] == [("queued", 1), ("stale", None), ("queued", 2)]


def test_the_allow_list_is_asked_again_at_the_moment_of_applying(approved: None) -> None:
    with writing() as session:
        session.execute(update(Domain).values(name="gmail.com"))
    assert publish_all() == Published(published=0, stale=0, withheld=3)
    assert {item.state for item in items()} == {"withheld"}


def test_the_first_serving_is_noted_once(approved: None) -> None:
    publish_all()
    ids = [item.public_id for item in items()]
    for _ in range(2):
        with writing() as session:
            mark_sent(session, 1, ids[:2], START)
    assert [item.state for item in items()] == ["sent", "sent", "queued"]


def test_an_acknowledgement_is_recorded_once_and_the_address_is_unverified(approved: None) -> None:
    publish_all()
    ids = [item.public_id for item in items()]
    assert settle("applied", ids[:1]) == [AckStatus.RECORDED]
    assert settle("applied", ids[:1]) == [AckStatus.UNCHANGED]
    assert settle("stale", ids[:1]) == [AckStatus.CONFLICT]
    assert settle("stale", ids[1:2]) == [AckStatus.RECORDED]
    assert [(item.state, item.settled_why) for item in items()] == [
        ("applied", "said so"),
        ("stale", "said so"),
        ("queued", None),
    ]
    assert verified() == 2
    events = db.session.scalars(select(AuditEntry.event).order_by(AuditEntry.seq)).all()
    assert events[2:] == ["unverification.published", "unverification.acknowledged", "unverification.acknowledged"]


def test_an_item_named_twice_in_one_request_is_recorded_once(approved: None) -> None:
    publish_all()
    public_id = items()[0].public_id
    assert settle("applied", [public_id, public_id]) == [AckStatus.RECORDED, AckStatus.UNCHANGED]


def test_other_sources_items_and_unpublished_ones_are_unknown(approved: None) -> None:
    ids = [item.public_id for item in items()]
    assert settle("applied", ids) == [AckStatus.UNKNOWN] * 3
    publish_all()
    assert settle("applied", ids, source_id=99) == [AckStatus.UNKNOWN] * 3
    assert verified() == 3


def test_a_newer_state_from_an_import_is_not_overwritten_by_a_late_acknowledgement(approved: None) -> None:
    publish_all()
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(state_token="t2"))
    settle("applied", [items()[0].public_id])
    assert verified() == 3


def test_an_address_that_moved_elsewhere_meanwhile_is_stale_whether_or_not_its_new_host_is_checked(
    approved: None,
) -> None:
    with writing() as session:
        elsewhere = story.add_domain(session, "elsewhere.net")
        session.execute(update(Address).where(Address.id == 1).values(domain_id=elsewhere.id))
        session.execute(update(Address).where(Address.id == 2).values(domain_id=None, unchecked="special_use"))
    assert publish_all() == Published(published=1, stale=2, withheld=0)
    assert [item.state for item in items()] == ["stale", "stale", "queued"]


def test_a_newer_state_of_a_source_without_tokens_is_not_overwritten_either(context: Flask) -> None:
    case_id = lapse(2)
    with writing() as session:
        session.execute(update(Address).values(state_token=None))
    ask(case_id, DecisionKind.APPROVE)
    publish_all()
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(verified_at=START))
    settle("applied", [item.public_id for item in items()])
    assert db.session.scalars(select(Address.id).where(Address.verified)).all() == [1]
