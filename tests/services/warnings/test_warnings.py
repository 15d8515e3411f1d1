"""Early warnings: begun by a check, told once an address and expiry period, ended by a renewal, in measure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Evidence, Phase, Rcode
from dashboard.models import (
    Address,
    AuditEntry,
    Brake,
    Domain,
    EarlyWarning,
    LapseCount,
    Notice,
    Source,
    Unverification,
)
from dashboard.models import UnverificationState as State
from dashboard.services.acknowledge import Ack, AckStatus, acknowledge
from dashboard.services.notices import publish_notices
from dashboard.services.warnings.send import waiting, warn
from tests import factories as make
from tests.conftest import START
from tests.support import story

NAME = "running-out.com"
DAY = timedelta(days=1)
PLENTY = 1000


@pytest.fixture
def history(context: Flask) -> None:
    """Lapses have been counted for more than 30 days: baseline mode is over."""
    with writing() as session:
        session.add(LapseCount(hour=START - 60 * DAY, provider="-", tld="com", checked=1000, lapsed=0, accepted=0))


def add(name: str = NAME, addresses: int = 2, source: Source | None = None, **values: object) -> int:
    with writing() as session:
        domain = story.add_domain(session, name, START + 999 * DAY)
        story.add_accounts(session, source or story.add_source(session), domain, addresses, **values)
        return domain.id


def expiring(name: str = NAME, days: float = 20, now: datetime = START, **values: Any) -> Evidence:
    return story.rdap(name, now, expires_at=now + days * DAY, **values)


def send(now: datetime = START, per_day: int = PLENTY) -> int:
    chosen = waiting(db.session(), per_day, now)
    db.session.rollback()
    with writing() as session:
        return warn(session, chosen, now)


def notices() -> list[Notice]:
    db.session.expire_all()
    return list(db.session.scalars(select(Notice).order_by(Notice.id)))


def warnings() -> list[EarlyWarning]:
    db.session.expire_all()
    return list(db.session.scalars(select(EarlyWarning).order_by(EarlyWarning.id)))


def test_each_verified_address_is_told_once_of_an_expiry(history: None) -> None:
    domain_id = add()
    add_unverified(domain_id)
    for day in range(3):
        now = START + day * DAY
        story.check(domain_id, [expiring(days=20 - day, now=now)], now)
        assert send(now) == (2 if day == 0 else 0)
    assert [(n.kind, n.reason, n.address_id, n.state) for n in notices()] == [
        ("early_warning", "expires_soon", 1, "queued"),
        ("early_warning", "expires_soon", 2, "queued"),
    ]
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "warning.queued")).all()
    assert [entry.object_id for entry in entries] == ["index"]


def add_unverified(domain_id: int) -> None:
    with writing() as session:
        first = session.get_one(Address, 1)
        values = {"external_id": "idle", "host": first.host, "domain_id": domain_id, "is_primary": False}
        session.add(Address(source_id=first.source_id, account_id=first.account_id, verified=False, **values))


def test_an_address_verified_meanwhile_is_told_too(history: None) -> None:
    domain_id = add()
    add_unverified(domain_id)
    story.check(domain_id, [expiring()], START)
    assert send() == 2
    with writing() as session:
        session.query(Address).filter_by(external_id="idle").update({"verified": True})
    assert (send(), send()) == (1, 0)


def test_a_renewal_ends_it_and_the_next_expiry_is_another(history: None) -> None:
    domain_id = add(addresses=1)
    story.check(domain_id, [expiring()], START)
    send()
    renewed = START + 2 * DAY
    story.check(domain_id, [expiring(days=385, now=renewed)], renewed)
    assert [(w.ended_how, w.ended_at) for w in warnings()] == [("renewed", renewed)]
    next_year = START + 370 * DAY
    with writing() as session:
        session.add(LapseCount(hour=next_year - 40 * DAY, provider="-", tld="net", checked=1, lapsed=0, accepted=0))
    story.check(domain_id, [expiring(days=17, now=next_year)], next_year)
    assert send(next_year) == 1
    assert len(notices()) == 2


def test_the_way_from_grace_to_a_dark_redemption_is_one_period(history: None) -> None:
    domain_id = add(addresses=1)
    story.check(domain_id, [expiring()], START)
    send()
    for days, phase in ((25, Phase.AUTO_RENEW_GRACE), (70, Phase.REDEMPTION)):
        now = START + days * DAY
        lapsing = story.rdap(NAME, now, phase, expires_at=START + 385 * DAY, registrar_expires_at=START + 20 * DAY)
        story.check(domain_id, [lapsing, story.dns(NAME, now, Rcode.NXDOMAIN)], now)
        assert send(now) == 0
    assert [(w.why, w.ended_at) for w in warnings()] == [("dark_in_redemption", None)]
    gone = START + 110 * DAY
    story.check(domain_id, [story.rdap(NAME, gone, Phase.AVAILABLE)], gone)
    assert warnings()[0].ended_how == "lost"


def test_nobody_is_warned_in_the_first_sweep(context: Flask) -> None:
    domain_id = add()
    story.check(domain_id, [expiring()], START)
    assert (warnings(), send()) == ([], 0)


def test_mailbox_providers_are_nobodys_warning(history: None) -> None:
    domain_id = add("gmail.com")
    story.check(domain_id, [expiring("gmail.com")], START)
    assert (warnings(), send()) == ([], 0)


def test_no_more_a_day_than_allowed_and_the_most_pressing_first(history: None) -> None:
    with writing() as session:
        source = story.add_source(session)
    later, sooner, dark = (add(name, 1, source) for name in ("later.com", "sooner.com", "dark.com"))
    story.check(later, [expiring("later.com", 40)], START)
    story.check(sooner, [expiring("sooner.com", 5)], START)
    redemption = story.rdap("dark.com", START, Phase.REDEMPTION)
    story.check(dark, [redemption, story.dns("dark.com", START, Rcode.NXDOMAIN)], START)
    assert (send(per_day=0), send(per_day=2), send(per_day=2)) == (0, 2, 0)
    assert [n.domain_id for n in notices()] == [dark, sooner]
    assert send(START + DAY, per_day=2) == 1
    assert notices()[-1].domain_id == later


def test_what_a_brake_covers_is_not_told(history: None) -> None:
    domain_id = add()
    redemption = [story.rdap(NAME, START, Phase.REDEMPTION), story.dns(NAME, START, Rcode.NXDOMAIN)]
    story.check(domain_id, redemption, START)
    with writing() as session:
        session.add(
            Brake(
                scope="tld",
                provider="rdap",
                tld="com",
                mode="share",
                lapsed=99,
                checked=100,
                limit_per_mille=1,
                opened_at=START,
            )
        )
    assert (len(warnings()), send()) == (1, 0)


def test_an_address_whose_unverification_is_on_its_way_is_not_warned(history: None) -> None:
    domain_id = add()
    story.check(domain_id, [expiring()], START)
    with writing() as session:
        case = make.make_case(session, session.get_one(Domain, domain_id))
        decision = make.make_decision(session, case, story.add_staff(session).id)
        make.make_unverification(session, decision, session.get_one(Address, 1))
    assert send() == 1
    assert [n.address_id for n in notices()] == [2]


def test_both_kinds_share_one_row_of_numbers_and_are_acknowledged_alike(history: None) -> None:
    domain_id = add()
    story.check(domain_id, [expiring()], START)
    send()
    with writing() as session:
        assert publish_notices(session, START) == 2
    with writing() as session:
        acks = [Ack(n.public_id, State.APPLIED, "told them") for n in notices()[:1]] + [Ack("nothing", State.APPLIED)]
        done = acknowledge(session, 1, "index", acks, Actor(ActorKind.SOURCE, "index"), START)
    assert [status for _, status in done] == [AckStatus.RECORDED, AckStatus.UNKNOWN]
    assert [(n.seq, n.state, n.settled_why) for n in notices()] == [(1, "applied", "told them"), (2, "queued", None)]
    assert set(db.session.scalars(select(Address.verified))) == {True}
    assert db.session.scalars(select(Unverification)).all() == []


def test_an_address_that_left_before_it_was_told_is_stale(history: None) -> None:
    domain_id = add()
    story.check(domain_id, [expiring()], START)
    send()
    with writing() as session:
        session.query(Address).filter_by(id=1).update({"verified": False})
        session.query(Address).filter_by(id=2).update({"domain_id": None, "unchecked": "special_use"})
    with writing() as session:
        publish_notices(session, START)
    assert [(n.state, n.seq) for n in notices()] == [("stale", None), ("stale", None)]
