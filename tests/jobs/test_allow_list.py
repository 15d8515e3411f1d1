"""The job of the allow-list: may be lost, run twice, or run beside itself."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import AllowListEntry, AuditEntry, Case
from dashboard.services.allow_list import settle as settling
from dashboard.services.allow_list.entries import add_entry
from dashboard.services.allow_list.values import read_wanted
from jobs.allow_list import settle
from tests.conftest import START, ManualClock
from tests.support import story

ADA = Actor(ActorKind.STAFF, "1")
COUNT = 9


@pytest.fixture
def covered(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Nine open cases below a suffix that has just been put on the list for a week; three of them make a chunk."""
    monkeypatch.setattr(settling, "CHUNK", 3)
    with app.app_context():
        with writing() as session:
            story.add_staff(session)
            source = story.add_source(session)
            domains = [
                story.add_domain(session, f"parcels{number}.ac.uk", START + timedelta(days=90))
                for number in range(COUNT)
            ]
            for domain in domains:
                story.add_accounts(session, source, domain)
            names = {domain.id: domain.name for domain in domains}
        for ident, name in names.items():
            story.check(
                ident, [story.rdap(name, START, Phase.REDEMPTION, expires_at=START - timedelta(days=40))], START
            )
        with writing() as session:
            add_entry(session, read_wanted("suffix", "ac.uk", "A week", "2026-11-08", START), ADA, 1, START)
    return app


def states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Case.state)))


def closings() -> int:
    return len(db.session.scalars(select(AuditEntry).where(AuditEntry.event == "case.closed")).all())


def test_it_closes_in_chunks_and_a_second_run_finds_nothing(covered: Flask) -> None:
    with covered.app_context():
        assert settle() == {"expired": 0, "chunks": 4}
        assert states() == ["closed_allow_listed"] * COUNT
        assert settle() == {"expired": 0, "chunks": 0}
        assert closings() == COUNT


def test_on_its_day_an_entry_ends_and_gives_everything_back(covered: Flask, clock: ManualClock) -> None:
    with covered.app_context():
        settle()
        clock.advance(days=6)
        assert settle()["expired"] == 0
        clock.advance(days=1)
        assert settle()["expired"] == 1
        assert states() == ["open"] * COUNT
        assert db.session.scalars(select(AllowListEntry.ended_how)).one() == "expired"


def test_two_at_once_close_each_case_once(covered: Flask) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        with covered.app_context():
            try:
                settle()
            except BaseException as error:  # noqa: BLE001  handed to the test
                errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert errors == []
    with covered.app_context():
        assert states() == ["closed_allow_listed"] * COUNT
        assert closings() == COUNT
        assert db.session.scalars(select(AllowListEntry.settled_at)).one() == START
