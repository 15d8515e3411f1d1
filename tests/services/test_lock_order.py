"""Checks, decisions, deliveries and imports at the same time: nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from sqlalchemy import select, text, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Address, DecisionKind, Domain, Source, Unverification, UnverificationState
from dashboard.services.acknowledge import Ack, acknowledge
from dashboard.services.checking.claim import claim_batch, open_batch
from dashboard.services.checking.record import Answer, CheckedDomain, record_checks
from dashboard.services.publish import publish
from tests.conftest import START
from tests.services.test_decide import NAME, ask, lapse
from tests.support import story

DUE = START + timedelta(hours=1)
SOURCE = Actor(ActorKind.SOURCE, "index")


@contextmanager
def meanwhile(app: Flask, work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Run `work` in another thread until the block ends; it must not have to wait for the block's transaction."""
    errors: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                work()
            except BaseException as error:  # noqa: BLE001  handed to the test
                errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield errors
    thread.join(timeout=120)


def add_an_address() -> None:
    """What an import does: a row that refers to the source, the account and the domain."""
    with writing() as session:
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        known = session.get_one(Address, 1)
        values = {name: getattr(known, name) for name in ("source_id", "account_id", "domain_id", "host")}
        session.add(Address(**values, external_id="new", verified=True, is_primary=False))


def overlapping(app: Flask) -> bool:
    """Whether two writers can be under way at once at all: on SQLite they stand in line."""
    with app.app_context():
        return db.engine.dialect.name != "sqlite"


def test_an_import_adds_addresses_at_a_domain_that_is_being_checked(app: Flask) -> None:
    if not overlapping(app):
        return
    with app.app_context():
        lapse(2)
        with writing() as session:
            session.execute(update(Domain).values(next_check_at=DUE))
        with writing() as session:
            batch = claim_batch(session, now=DUE, wall_now=START, size=9, lease=story.LEASE)
            assert batch
            due = open_batch(session, batch, wall_now=START, lease=story.LEASE)
            answers = [Answer(story.rdap(NAME, DUE, Phase.REDEMPTION), None, None)]
            checked = [CheckedDomain(due[0].id, DUE, answers)]
            assert record_checks(session, batch, checked, DUE, recheck_days=30).checks == 1
            with meanwhile(app, add_an_address) as errors:
                pass
        assert errors == []


def test_an_import_goes_on_while_its_source_is_published_to(app: Flask) -> None:
    if not overlapping(app):
        return
    with app.app_context():
        ask(lapse(3), DecisionKind.APPROVE)
        with writing() as session:
            assert publish(session, START).published == 3
            with meanwhile(app, add_an_address) as errors:
                pass
        assert errors == []


def test_an_acknowledgement_and_an_import_of_the_same_addresses_do_not_wait_for_each_other(app: Flask) -> None:
    with app.app_context():
        ask(lapse(2), DecisionKind.APPROVE)
        with writing() as session:
            publish(session, START)
        ids = db.session.scalars(select(Unverification.public_id).order_by(Unverification.address_id)).all()
        db.session.rollback()
    if not overlapping(app):
        return

    def acknowledge_backwards() -> None:
        with writing() as session:
            acks = [Ack(public_id, UnverificationState.APPLIED) for public_id in reversed(ids)]
            acknowledge(session, 1, "index", acks, SOURCE, START)

    with app.app_context():
        with writing() as session:
            session.execute(select(Source.id).where(Source.id == 1).with_for_update(key_share=True))
            session.execute(update(Address).where(Address.id == 1).values(is_primary=False))
            with meanwhile(app, acknowledge_backwards) as errors:
                threading.Event().wait(0.5)  # until the other one waits for us
                session.execute(update(Address).where(Address.id == 2).values(is_primary=False))
                session.commit()  # and not before: the block waits for the other one
        assert errors == []
        assert db.session.scalars(select(Address.verified)).all() == [False, False]
