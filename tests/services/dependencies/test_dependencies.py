"""A domain whose mail or names rest on one that has lapsed is flagged, and stays so until that is renewed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode
from dashboard.models import (
    Address,
    AuditEntry,
    Case,
    DecisionKind,
    Dependency,
    DependencyLapse,
    Domain,
    LifecycleEvent,
)
from dashboard.services.decide import DecisionRequest, decide
from dashboard.services.dependencies import lapses, relate
from dashboard.services.dependencies.spread import pending, spread_next
from tests.conftest import START
from tests.support import story

NAME, MAIL = "parcels.com", "mailhost.net"
DAY = timedelta(days=1)
RITA = Actor(ActorKind.STAFF, "1")


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        story.add_staff(session)
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, count=3)
        return domain.id


def delegated(now: datetime, *mx: str, ns: tuple[str, ...] = ("ns1.parcels.com",), name: str = NAME) -> Evidence:
    delegation = Delegation(Rcode.NOERROR, mx=tuple((10 * place, host) for place, host in enumerate(mx, 1)))
    return Evidence(Provider.DNS, name, now, Outcome.FOUND, Phase.ACTIVE, nameservers=ns, delegation=delegation)


def healthy(now: datetime, *mx: str, ns: tuple[str, ...] = ("ns1.parcels.com",), name: str = NAME) -> list[Evidence]:
    return [story.rdap(name, now), story.fastly(name, now), delegated(now, *mx, ns=ns, name=name)]


def relies(domain_id: int, now: datetime = START, *mx: str, ns: tuple[str, ...] = ("ns1.parcels.com",)) -> None:
    story.check(domain_id, healthy(now, *(mx or (f"mx1.{MAIL}",)), ns=ns), now)


def the(name: str) -> Domain:
    db.session.expire_all()
    return db.session.scalars(select(Domain).where(Domain.name == name)).one()


def case() -> Case | None:
    db.session.expire_all()
    return db.session.scalars(select(Case)).one_or_none()


def relations() -> dict[tuple[str, str], bool]:
    """Who is relied on for what, and whether still."""
    rows = db.session.execute(
        select(Domain.name, Dependency.kind, Dependency.last_seen_at).join(
            Domain, Domain.id == Dependency.depends_on_id
        )
    )
    return {(row.kind, row.name): row.last_seen_at is None for row in rows}


def spread(now: datetime) -> tuple[int, int]:
    dependents = opened = 0
    while True:
        with writing() as session:
            done = spread_next(session, now, size=2)
        if done is None:
            return dependents, opened
        dependents, opened = dependents + done.dependents, opened + done.opened


def lapse(now: datetime, phase: Phase = Phase.AVAILABLE, name: str = MAIL, *, twice: bool = True) -> None:
    """Have the dependency checked while it lapses, and bring that to all that rely on it."""
    evidence = [story.rdap(name, now, phase), *([story.fastly(name, now, phase)] if twice else [])]
    story.check(the(name).id, evidence, now)
    spread(now)


def renew(now: datetime, name: str = MAIL) -> None:
    story.check(the(name).id, [story.rdap(name, now), story.fastly(name, now)], now)
    spread(now)


def test_mail_hosts_and_name_servers_are_watched_and_their_own_are_not(domain_id: int) -> None:
    relies(domain_id, START, f"mx1.{MAIL}", "mx.parcels.com", "localhost", ns=("ns1.dnshost.org", "ns2.dnshost.org"))
    assert relations() == {("mx", MAIL): True, ("ns", "dnshost.org"): True}
    assert the(MAIL).next_check_at == START
    assert db.session.scalar(select(func.count()).select_from(Domain)) == 3


def test_a_dependency_draws_in_no_more(domain_id: int) -> None:
    relies(domain_id)
    story.check(the(MAIL).id, healthy(START, "mx.elsewhere.org", ns=("ns1.elsewhere.org",), name=MAIL), START)
    assert relations() == {("mx", MAIL): True}


def test_a_check_that_finds_the_same_writes_nothing_and_one_that_finds_another_says_since_when(
    domain_id: int,
) -> None:
    relies(domain_id)
    relies(domain_id, START + DAY)
    first = db.session.scalars(select(Dependency)).one()
    assert (first.first_seen_at, first.last_seen_at) == (START, None)
    relies(domain_id, START + 2 * DAY, "mx.other.org")
    db.session.expire_all()
    assert relations() == {("mx", MAIL): False, ("mx", "other.org"): True}
    assert db.session.get_one(Dependency, first.id).last_seen_at == START + DAY
    relies(domain_id, START + 3 * DAY)
    assert relations() == {("mx", MAIL): True, ("mx", "other.org"): False}


@pytest.mark.parametrize("silence", ["error", "gone", "none"])
def test_silence_ends_no_relation(domain_id: int, silence: str) -> None:
    relies(domain_id)
    now = START + DAY
    said = {
        "error": [story.failure(NAME, now, Provider.DNS)],
        "gone": [story.dns(NAME, now, Rcode.NXDOMAIN)],
        "none": [],
    }
    story.check(domain_id, [story.rdap(NAME, now), *said[silence]], now)
    assert relations() == {("mx", MAIL): True}


def test_no_address_no_relation(domain_id: int) -> None:
    relies(domain_id)
    with writing() as session:
        session.execute(update(Address).values(verified=False))
    relies(domain_id, START + DAY)
    assert relations() == {("mx", MAIL): False}


def test_a_zone_that_names_new_hosts_every_day_has_only_so_many_watched(domain_id: int) -> None:
    for day in range(6):
        now = START + day * DAY
        relies(domain_id, now, *(f"mx.day{day}-{n}.com" for n in range(20)))
    assert len(relations()) == relate.NEW_AT_MOST
    relies(domain_id, START + 40 * DAY, "mx.later.com")
    assert relations()["mx", "later.com"]


@pytest.mark.parametrize("kind", ["mx", "ns"])
@pytest.mark.parametrize("phase", [Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.AVAILABLE])
def test_a_lapsed_dependency_flags_who_relies_on_it_for_review(domain_id: int, kind: str, phase: Phase) -> None:
    relies(domain_id, START, *([f"mx1.{MAIL}"] if kind == "mx" else ["mx.parcels.com"]), ns=(f"ns1.{MAIL}",))
    now = START + DAY
    lapse(now, phase)
    found = case()
    assert found is not None
    assert (found.domain.name, found.state, found.phase) == (NAME, "open", "active")
    assert (found.recommendation, the(NAME).recommendation) == ("review", "review")
    assert MAIL in found.opened_why
    assert ("mail is delivered" in found.opened_why) is (kind == "mx")
    assert ("names are served" in found.opened_why) is True
    assert found.addresses == 3
    assert "dependency" in {part["name"] for part in found.risk_parts}


@pytest.mark.parametrize("phase", [Phase.ACTIVE, Phase.AUTO_RENEW_GRACE, Phase.HOLD])
def test_what_flags_nobody_by_itself_flags_no_dependent(domain_id: int, phase: Phase) -> None:
    relies(domain_id)
    lapse(START + DAY, phase)
    assert case() is None


def test_a_renewal_closes_the_flag(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.REDEMPTION)
    renew(START + 2 * DAY)
    found = case()
    assert found is not None
    assert (found.state, the(NAME).recommendation) == ("closed_renewed", "none")
    assert db.session.scalar(select(func.count()).select_from(DependencyLapse)) == 0


def test_only_the_directory_can_say_that_the_dependency_was_renewed(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.REDEMPTION)
    now = START + 2 * DAY
    story.check(the(MAIL).id, [story.failure(MAIL, now, Provider.RDAP), story.fastly(MAIL, now)], now)
    spread(now)
    found = case()
    assert found is not None
    assert found.state == "open"


def test_a_dependency_that_is_caught_keeps_the_flag(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.AVAILABLE)
    now = START + 4 * DAY
    anew = story.rdap(MAIL, now, registered_at=START + 3 * DAY, handle="H9")
    story.check(the(MAIL).id, [anew, story.fastly(MAIL, now)], now)
    spread(now)
    found = case()
    assert found is not None
    assert (the(MAIL).holder_change, found.state) == ("dropped_and_caught", "open")
    relies(domain_id, now)
    assert "registered by somebody else" in str(the(NAME).assessment)


def test_who_comes_to_rely_on_it_after_the_catch_chose_the_new_holder(domain_id: int) -> None:
    relies(domain_id, START, "mx.before.com")
    with writing() as session:
        other = story.add_domain(session, MAIL)
        story.add_accounts(session, story.add_source(session, "other"), other, verified_at=START - 100 * DAY)
        other_id = other.id
    caught = START - 50 * DAY
    story.check(other_id, [story.rdap(MAIL, START, registered_at=caught), story.fastly(MAIL, START)], START)
    assert the(MAIL).holder_change == "dropped_and_caught"
    for days in (1, 2):
        relies(domain_id, START + days * DAY)
        story.check(
            other_id,
            [story.rdap(MAIL, START + days * DAY, registered_at=caught), story.fastly(MAIL, START + days * DAY)],
            START + days * DAY,
        )
        assert spread(START + days * DAY)[1] == 0
    assert the(NAME).recommendation == "none"


def test_a_domain_that_moves_its_mail_away_is_flagged_no_longer(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY)
    relies(domain_id, START + 2 * DAY, "mx.other.org")
    found = case()
    assert found is not None
    assert found.state == "closed_renewed"


def test_who_comes_to_rely_on_what_has_lapsed_is_flagged_by_that_check(domain_id: int) -> None:
    with writing() as session:
        second = story.add_domain(session, "second.com")
        story.add_accounts(session, story.add_source(session, "other"), second)
        second_id = second.id
    relies(domain_id)
    lapse(START + DAY)
    now = START + 2 * DAY
    story.check(second_id, healthy(now, f"mx9.{MAIL}", name="second.com"), now)
    assert db.session.scalar(select(func.count()).select_from(Case)) == 2


def test_what_lapsed_before_anybody_relied_on_it_is_looked_at_again_at_once(domain_id: int) -> None:
    with writing() as session:
        mail_id = story.add_domain(session, MAIL).id
    story.check(
        mail_id, [story.rdap(MAIL, START, Phase.AVAILABLE), story.fastly(MAIL, START, Phase.AVAILABLE)], START
    )
    assert the(MAIL).next_check_at > START + DAY
    relies(domain_id, START + DAY)
    assert the(MAIL).next_check_at == START + DAY
    lapse(START + DAY)
    assert case() is not None


def test_each_change_is_drawn_on_the_timeline_once(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.REDEMPTION)
    lapse(START + 2 * DAY, Phase.REDEMPTION)
    renew(START + 3 * DAY)
    events = db.session.scalars(
        select(LifecycleEvent).where(LifecycleEvent.kind == "dependency").order_by(LifecycleEvent.at)
    ).all()
    assert [event.summary for event in events] == [
        "Its mail is delivered to mailhost.net, which is in redemption",
        "mailhost.net, which it relies on, is its holder's again",
    ]


def test_an_override_holds_until_the_dependency_goes_further(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.REDEMPTION)
    found = case()
    assert found is not None
    request = DecisionRequest(found.id, found.version, DecisionKind.OVERRIDE, "owner_confirmed", "")
    with writing() as session:
        assert decide(session, request, RITA, 1, START + DAY).refusal is None
    for days in (2, 3):
        relies(domain_id, START + days * DAY)
        lapse(START + days * DAY + timedelta(hours=1), Phase.REDEMPTION)
    found = case()
    assert found is not None
    assert found.state == "decided"
    lapse(START + 4 * DAY, Phase.PENDING_DELETE)
    found = case()
    assert found is not None
    assert found.state == "open"
    assert found.opened_why == (
        "what has lapsed of what it relies on changed from mailhost.net (redemption)"
        " to mailhost.net (pending delete) since the decision"
    )


def add_dependents(count: int) -> None:
    """Add domains that rely on `MAIL` too, with one address each."""
    with writing() as session:
        source, mail = (
            story.add_source(session, "crowd"),
            session.scalars(select(Domain).where(Domain.name == MAIL)).one(),
        )
        for number in range(count):
            domain = story.add_domain(session, f"crowd{number}.com", START + 400 * DAY)
            story.add_accounts(session, source, domain)
            relation = Dependency(domain_id=domain.id, kind="mx", depends_on_id=mail.id, first_seen_at=START)
            session.add(relation)


def opened() -> int:
    return db.session.scalar(select(func.count()).select_from(Case).where(Case.state == "open")) or 0


def test_all_that_rely_on_it_are_flagged_chunk_by_chunk_and_twice_is_once(domain_id: int) -> None:
    relies(domain_id)
    add_dependents(6)
    now = START + DAY
    story.check(the(MAIL).id, [story.rdap(MAIL, now, Phase.AVAILABLE), story.fastly(MAIL, now, Phase.AVAILABLE)], now)
    assert opened() == 0
    with writing() as session:
        assert spread_next(session, now, size=4) is not None
    assert opened() == 4
    with writing() as session:  # a worker died here and its chunk is done again
        session.execute(update(DependencyLapse).values(spread_after=0))
    assert spread(now) == (7, 3)
    assert (opened(), pending(db.session())) == (7, 0)
    assert spread(now) == (0, 0)
    events = db.session.scalars(select(AuditEntry.event)).all()
    assert events.count("case.opened") == 7
    assert verify(db.session()).ok


def test_a_change_in_the_middle_of_spreading_begins_it_anew(domain_id: int) -> None:
    relies(domain_id)
    add_dependents(4)
    lapse_at, renewed_at = START + DAY, START + 2 * DAY
    story.check(the(MAIL).id, [story.rdap(MAIL, lapse_at, Phase.REDEMPTION)], lapse_at)
    with writing() as session:
        spread_next(session, lapse_at, size=3)
    assert opened() == 3
    renew(renewed_at)
    assert opened() == 0


def test_one_providers_word_is_not_enough_where_many_would_be_flagged(
    domain_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lapses, "SHARED", 3)
    relies(domain_id)
    add_dependents(3)
    lapse(START + DAY, Phase.AVAILABLE, twice=False)
    assert (opened(), the(MAIL).confidence) == (0, "single")
    lapse(START + 2 * DAY, Phase.AVAILABLE)
    assert opened() == 4


def test_a_large_operator_is_recorded_and_never_lapses(domain_id: int) -> None:
    relies(domain_id, START, "aspmx.l.google.com")
    assert relations() == {("mx", "google.com"): True}
    lapse(START + DAY, Phase.AVAILABLE, "google.com")
    assert db.session.scalar(select(func.count()).select_from(Case)) == 0


def test_the_dependency_itself_has_no_case_and_is_checked_as_if_it_had_addresses(domain_id: int) -> None:
    relies(domain_id)
    lapse(START + DAY, Phase.REDEMPTION)
    found: Any = case()
    assert found.domain.name == NAME
    assert the(MAIL).next_check_at <= START + 2 * DAY
