"""What an entry would match: the same domains that it will cover."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Delegation, Provider, Rcode
from dashboard.models import Dependency, Domain
from dashboard.services.allow_list import preview as previewing
from dashboard.services.allow_list.ask import coverage
from dashboard.services.allow_list.entries import put_entry
from dashboard.services.allow_list.preview import Match, preview
from dashboard.services.allow_list.values import read_named, read_wanted
from tests import factories as make
from tests.conftest import START
from tests.support import story

NAMES = ("parcels.co.uk", "post.co.uk", "post_office.uk", "shop.com", "mail.uk.com", "notco.uk")


@pytest.fixture(autouse=True)
def _world(context: Flask) -> None:
    """Each domain has an address at its own name and one at `staff.` below it; two use one mail operator."""
    with writing() as session:
        story.add_staff(session)
        operator = make.make_domain(session, "operator.net")
        source = make.make_source(session)
        for number, name in enumerate(NAMES):
            changed = "dropped_and_caught" if name == "shop.com" else "none"
            domain = make.make_domain(session, name, holder_change=changed)
            account = make.make_account(session, source)
            make.make_address(session, account, domain)
            make.make_address(session, account, domain, host=f"staff.{name}")
            make.make_address(session, account, domain, verified=False)
            if number % 2:
                delegation = Delegation(Rcode.NOERROR, mx=((10, f"mx{number}.l.operator.net"),))
                make.make_evidence(session, domain, Provider.DNS, delegation=delegation)
                relation = Dependency(domain_id=domain.id, depends_on_id=operator.id, kind="mx", first_seen_at=START)
                session.add(relation)
        make.make_case(session, domain)


def seen(kind: str, value: str) -> Match:
    match = preview(db.session(), read_named(kind, value))
    db.session.rollback()
    return match


@pytest.mark.parametrize(
    ("kind", "value", "domains", "addresses", "cases"),
    [
        ("domain", "shop.com", 1, 2, 0),
        ("domain", "nobody.com", 0, 0, 0),
        ("host", "staff.shop.com", 1, 1, 0),
        ("suffix", "shop.com", 1, 2, 0),
        ("suffix", "staff.shop.com", 1, 1, 0),
        ("suffix", "co.uk", 2, 4, 0),
        ("suffix", "uk", 4, 8, 1),
        ("suffix", "com", 2, 4, 0),
        ("mx", "operator.net", 2, 4, 1),
        ("mx", "erator.net", 0, 0, 0),
    ],
)
def test_addresses_domains_and_cases_are_counted(
    kind: str, value: str, domains: int, addresses: int, cases: int
) -> None:
    match = seen(kind, value)
    assert (match.domains, match.addresses, match.cases) == (domains, addresses, cases)


@pytest.mark.parametrize(
    ("kind", "value"), [("suffix", "uk"), ("suffix", "co.uk"), ("mx", "operator.net"), ("domain", "shop.com")]
)
def test_what_is_promised_is_what_is_kept(kind: str, value: str) -> None:
    promised = seen(kind, value).domains
    with writing() as session:
        put_entry(session, read_wanted(kind, value, "x", "", START), 1, START)
    ids = list(db.session.scalars(select(Domain.id)))
    assert len(coverage(db.session(), ids, START)) == promised


def test_a_mail_operators_domains_in_other_hands_are_told_of_and_left_out() -> None:
    match = seen("mx", "operator.net")
    assert match.changed_hands == 1
    assert "shop.com" not in match.examples


def test_counting_stops_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "MOST_DOMAINS", 2)
    match = seen("suffix", "uk")
    assert (match.domains_shown, match.addresses_shown) == ("2+", "4+")
    assert match.everything
