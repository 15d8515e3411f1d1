"""What is counted for many domains together is what is counted for each of them alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.database import db, writing
from dashboard.lifecycle.risk import Exposure
from dashboard.models import Account, AccountPackage, Address, Domain, Package, SecurityEvent
from dashboard.services.cases import exposure as module
from dashboard.services.cases.exposure import CREDENTIALS, RESETS, Stake, exposure, exposures
from tests.conftest import START
from tests.support import story
from tests.support.statements import recorded_statements

KINDS = (*RESETS, *CREDENTIALS, "token_created", "login", "something_else")
DAY = timedelta(days=1)


def add_world(session: Session, seed: int, domains: int = 12) -> None:
    """Add domains whose accounts have addresses, packages and events in common, at random."""
    chance = random.Random(seed)
    source = story.add_source(session)
    names = [story.add_domain(session, f"d{number}.com").id for number in range(domains)]
    packages = [
        Package(
            source_id=source.id,
            name=f"p{number}",
            purl=f"pkg:test/p{number}",
            downloads_30d=chance.choice([None, 0, 7, 10**9]),
            last_release_at=chance.choice([None, START - 9 * DAY, START - DAY, START]),
        )
        for number in range(8)
    ]
    accounts = [
        Account(
            source_id=source.id, external_id=f"x{n}", username=f"u{n}", two_factor=chance.choice([True, False, None])
        )
        for n in range(15)
    ]
    session.add_all([*packages, *accounts])
    session.flush()
    for account in accounts:
        for number in range(chance.randint(1, 4)):
            session.add(
                Address(
                    source_id=source.id,
                    account_id=account.id,
                    external_id=f"{account.external_id}/{number}",
                    host="h",
                    domain_id=chance.choice([None, *names]),
                    verified=chance.random() < 0.8,
                    is_primary=False,
                )
            )
        for package in chance.sample(packages, chance.randint(0, 3)):
            session.add(AccountPackage(account_id=account.id, package_id=package.id))
        for hours in chance.sample(range(400), chance.randint(0, 6)):
            at = START - timedelta(hours=hours)
            session.add(SecurityEvent(account_id=account.id, kind=chance.choice(KINDS), at=at))


def stakes(session: Session, seed: int) -> list[Stake]:
    chance = random.Random(seed)
    found = []
    for domain_id in session.scalars(select(Domain.id).order_by(Domain.id)):
        verified = select(Address.id).where(Address.domain_id == domain_id, Address.verified).order_by(Address.id)
        ids = session.scalars(verified).all()
        chosen = chance.sample(ids, chance.randint(0, len(ids)))
        found.append(Stake(domain_id, tuple(chosen), chance.choice([None, START - DAY, START - 9 * DAY, START])))
    return found


def one_by_one(session: Session, asked: Sequence[Stake]) -> dict[int, Exposure]:
    return {each.domain_id: exposure(session, each.domain_id, each.address_ids, each.since) for each in asked}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("together", [1, 4, 5000])
def test_many_at_once_are_counted_like_each_alone(
    context: Flask, monkeypatch: pytest.MonkeyPatch, seed: int, together: int
) -> None:
    monkeypatch.setattr(module, "TOGETHER", together)
    with writing() as session:
        add_world(session, seed)
    asked = stakes(db.session(), seed)
    assert sum(len(each.address_ids) for each in asked) > 5
    assert exposures(db.session(), asked) == one_by_one(db.session(), asked)


def test_many_domains_cost_few_statements(context: Flask) -> None:
    with writing() as session:
        add_world(session, 1, domains=40)
    since: datetime | None = START - DAY
    asked = [Stake(each.domain_id, each.address_ids, since) for each in stakes(db.session(), 1)]
    with recorded_statements(context) as statements:
        exposures(db.session(), asked)
    assert len(statements) == 4


def test_nothing_asked_is_nothing_read(context: Flask) -> None:
    assert exposures(db.session(), []) == {}
