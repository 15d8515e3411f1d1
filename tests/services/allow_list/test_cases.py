"""An entry closes the cases it covers, keeps new ones from being opened, and gives them back when it ends."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode
from dashboard.models import (
    Account,
    Address,
    AllowKind,
    AllowListEntry,
    AuditEntry,
    Case,
    DecisionKind,
    Domain,
    Source,
    Unverification,
)
from dashboard.services.allow_list import settle as settling
from dashboard.services.allow_list.ask import Cover, coverage, preset_off
from dashboard.services.allow_list.entries import add_entry, end_entry, expire_entries, switch_preset
from dashboard.services.allow_list.hits import count_hits
from dashboard.services.allow_list.settle import next_work
from dashboard.services.allow_list.values import read_wanted
from dashboard.services.decide import DecisionRequest, decide
from dashboard.services.publish import publish
from tests.conftest import START
from tests.support import story

DAY = timedelta(days=1)
NAME = "lapsing-parcels.com"
ADA = Actor(ActorKind.STAFF, "1")


@pytest.fixture(autouse=True)
def _staff(context: Flask) -> None:
    with writing() as session:
        story.add_staff(session)
        story.add_source(session)


def monitor(name: str, count: int = 2) -> int:
    with writing() as session:
        domain = story.add_domain(session, name, due_at=START + 90 * DAY)
        story.add_accounts(session, session.scalars(select(Source)).one(), domain, count)
        return domain.id


def record(domain_id: int, evidence: list[Evidence], now: datetime) -> None:
    """Record a check, whoever holds the domain."""
    with writing() as session:
        session.execute(update(Domain).values(batch_id=None, leased_until=None))
    story.check(domain_id, evidence, now)


def lapse(domain_id: int, now: datetime = START, mx: str | None = None) -> None:
    name = db.session.get_one(Domain, domain_id).name
    db.session.rollback()
    evidence = [story.rdap(name, now, Phase.REDEMPTION, expires_at=START - 40 * DAY)]
    if mx:
        delegation = Delegation(Rcode.NOERROR, mx=((10, mx),))
        evidence.append(Evidence(Provider.DNS, name, now, Outcome.FOUND, Phase.ACTIVE, delegation=delegation))
    record(domain_id, evidence, now)


def renew(domain_id: int, now: datetime) -> None:
    name = db.session.get_one(Domain, domain_id).name
    db.session.rollback()
    record(domain_id, [story.rdap(name, now)], now)


def allow(kind: str, value: str, expires: str = "", now: datetime = START) -> int:
    with writing() as session:
        added = add_entry(session, read_wanted(kind, value, "known to be sound", expires, now), ADA, 1, now)
        assert not added.present
        return added.id


def end(entry_id: int, now: datetime = START) -> bool:
    with writing() as session:
        return end_entry(session, entry_id, "no longer needed", ADA, 1, now)


def settle(now: datetime = START) -> int:
    chunks = 0
    while settle_chunk(now):
        chunks += 1
    return chunks


def settle_chunk(now: datetime = START) -> bool:
    work = next_work(db.session())
    db.session.rollback()
    if work is None:
        return False
    with writing() as session:
        settling.settle(session, work, now)
    return True


def case_of(domain_id: int) -> Case | None:
    db.session.expire_all()
    return db.session.scalar(select(Case).where(Case.domain_id == domain_id))


def states() -> dict[str, str]:
    db.session.rollback()
    query = select(Domain.name, Case.state).join(Case, Case.domain_id == Domain.id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def entry(entry_id: int) -> AllowListEntry:
    db.session.expire_all()
    return db.session.get_one(AllowListEntry, entry_id)


def events(name: str) -> int:
    return len(db.session.scalars(select(AuditEntry).where(AuditEntry.event == name)).all())


def test_an_entry_closes_matching_open_cases_with_a_link_and_leaves_the_others(context: Flask) -> None:
    matching, other = monitor(NAME), monitor("other-parcels.com")
    lapse(matching)
    lapse(other)
    entry_id = allow("domain", NAME)
    assert settle() == 1
    case = case_of(matching)
    assert case
    assert (case.state, case.allow_entry_id) == ("closed_allow_listed", entry_id)
    assert states()["other-parcels.com"] == "open"
    assert events("case.closed") == 1
    assert settle() == 0, "nothing is left to do"


def test_what_is_on_the_list_is_never_flagged_and_every_time_counts(context: Flask) -> None:
    domain_id = monitor(NAME)
    entry_id = allow("domain", NAME)
    settle()
    lapse(domain_id)
    lapse(domain_id, START + DAY)
    assert case_of(domain_id) is None
    assert (entry(entry_id).hits, entry(entry_id).last_hit_at) == (2, START + DAY)


def test_an_entry_that_expires_gives_back_what_is_still_lapsed_and_says_why(context: Flask) -> None:
    kept, fine = monitor(NAME), monitor("renewed-parcels.com")
    lapse(kept)
    lapse(fine)
    allow("domain", NAME, expires="2026-11-05")
    allow("domain", "renewed-parcels.com", expires="2026-11-05")
    settle()
    never_flagged = monitor("parcels-of.com")
    allow("domain", "parcels-of.com", expires="2026-11-05")
    lapse(never_flagged, START + DAY)
    renew(fine, START + DAY)
    later = START + 5 * DAY
    with writing() as session:
        assert expire_entries(session, START + 3 * DAY) == 0
    with writing() as session:
        assert expire_entries(session, later) == 3
    with writing() as session:
        assert expire_entries(session, later) == 0
    settle(later)
    assert states() == {
        NAME: "open",
        "parcels-of.com": "open",
        "renewed-parcels.com": "closed_allow_listed",
    }
    case = case_of(kept)
    assert case
    assert case.opened_why.startswith(f"the allow-list entry {NAME} expired")
    assert case.allow_entry_id is None
    assert events("allow_list.ended") == 3


def test_an_expired_entry_holds_nothing_even_before_anybody_has_ended_it(context: Flask) -> None:
    domain_id = monitor(NAME)
    allow("domain", NAME, expires="2026-11-05")
    assert coverage(db.session(), [domain_id], START)
    assert coverage(db.session(), [domain_id], START + 4 * DAY) == {}


def test_removal_gives_cases_back_unless_another_entry_keeps_them(context: Flask) -> None:
    domain_id = monitor(NAME)
    lapse(domain_id)
    first, second = allow("domain", NAME), allow("suffix", "com")
    settle()
    assert end(first)
    assert not end(first), "it has ended already"
    settle()
    assert states() == {NAME: "closed_allow_listed"}
    end(second)
    settle()
    assert states() == {NAME: "open"}


def test_a_decision_to_keep_outlives_the_entry(context: Flask) -> None:
    domain_id = monitor(NAME)
    lapse(domain_id)
    case = case_of(domain_id)
    assert case
    with writing() as session:
        decide(
            session,
            DecisionRequest(case.id, case.version, DecisionKind.OVERRIDE, "owner_confirmed", ""),
            ADA,
            1,
            START,
        )
    entry_id = allow("domain", NAME)
    settle()
    end(entry_id)
    settle()
    assert states() == {NAME: "decided"}


def test_it_is_asked_again_at_the_moment_of_applying(context: Flask) -> None:
    """DESIGN invariant 5: an entry stops what was approved before it, and its end brings the case back."""
    domain_id = monitor(NAME)
    lapse(domain_id)
    case = case_of(domain_id)
    assert case
    with writing() as session:
        ask = DecisionRequest(case.id, case.version, DecisionKind.APPROVE, "lapsed", "", shown_count=2)
        assert decide(session, ask, ADA, 1, START).refusal is None
    entry_id = allow("domain", NAME)
    settle()
    with writing() as session:
        assert publish(session, START).withheld == 2
    assert entry(entry_id).hits == 2
    why = db.session.scalars(select(Unverification.settled_why)).all()
    assert why == [f"allow_listed: {NAME}, an allow-listed domain"] * 2
    end(entry_id)
    settle()
    assert states() == {NAME: "open"}


def test_a_host_keeps_its_own_addresses_and_no_others(context: Flask) -> None:
    domain_id = monitor(NAME, 3)
    with writing() as session:
        first = session.scalars(select(Address).order_by(Address.id)).first()
        assert first
        first.host = f"staff.{NAME}"
    lapse(domain_id)
    case = case_of(domain_id)
    assert case
    assert case.addresses == 3
    allow("host", f"staff.{NAME}")
    settle()
    case = case_of(domain_id)
    assert case
    assert (case.state, case.addresses) == ("open", 2)
    allow("suffix", NAME)
    settle()
    assert states() == {NAME: "closed_allow_listed"}


def test_a_case_closes_when_hosts_keep_all_of_its_addresses(context: Flask) -> None:
    domain_id = monitor(NAME)
    with writing() as session:
        session.execute(update(Address).values(host=f"mail.staff.{NAME}"))
    lapse(domain_id)
    entry_id = allow("suffix", f"staff.{NAME}")
    settle()
    case = case_of(domain_id)
    assert case
    assert (case.state, case.allow_entry_id) == ("closed_allow_listed", entry_id)


@pytest.mark.parametrize(
    ("suffix", "kept"), [("co.uk", True), ("uk", True), ("o.uk", False), ("parcels.co.uk", True)]
)
def test_a_suffix_ends_at_a_dot(context: Flask, suffix: str, *, kept: bool) -> None:
    domain_id = monitor("parcels.co.uk")
    allow("suffix", suffix)
    assert (domain_id in coverage(db.session(), [domain_id], START)) == kept


def test_a_mail_operator_keeps_the_domains_it_takes_mail_for(context: Flask) -> None:
    theirs, other = monitor(NAME), monitor("other-parcels.com")
    lapse(theirs, mx="aspmx.l.google.com")
    lapse(other, mx="mx.notgoogle.com")
    allow("mx", "google.com")
    settle()
    assert states() == {NAME: "closed_allow_listed", "other-parcels.com": "open"}


def test_a_mail_operator_keeps_nothing_once_the_domain_is_in_other_hands(context: Flask) -> None:
    """Whoever catches a domain may use the same operator."""
    domain_id = monitor(NAME)
    caught = story.rdap(NAME, START, registered_at=START - 30 * DAY, handle="H9", expires_at=START + 300 * DAY)
    delegation = Delegation(Rcode.NOERROR, mx=((10, "aspmx.l.google.com"),))
    dns = Evidence(Provider.DNS, NAME, START, Outcome.FOUND, Phase.ACTIVE, delegation=delegation)
    story.check(domain_id, [caught, story.fastly(NAME, START), dns], START)
    allow("mx", "google.com")
    settle()
    assert states() == {NAME: "open"}


def test_the_preset_is_on_by_default_and_can_be_switched_off_and_on(context: Flask) -> None:
    domain_id = monitor("gmail.com", 3)
    lapse(domain_id)
    assert states() == {}
    row = db.session.scalars(select(AllowListEntry)).one()
    assert (row.kind, row.value, row.hits) == ("preset", "gmail.com", 1)
    for on, expected in ((False, "open"), (True, "closed_allow_listed")):
        with writing() as session:
            assert switch_preset(session, "gmail.com", "a drill", ADA, 1, START, on=on)
        with writing() as session:
            assert not switch_preset(session, "gmail.com", "a drill", ADA, 1, START, on=on)
        settle()
        assert states() == {"gmail.com": expected}
    with pytest.raises(LookupError), writing() as session:
        switch_preset(session, NAME, "not in it", ADA, 1, START, on=False)


def test_a_hit_never_switches_a_part_of_the_preset_on_again(context: Flask) -> None:
    with writing() as session:
        switch_preset(session, "gmail.com", "a drill", ADA, 1, START, on=False)
    with writing() as session:
        count_hits(session, Counter({Cover(None, AllowKind.PRESET, "gmail.com"): 2}), START)
    assert preset_off(db.session(), ["gmail.com"]) == {"gmail.com"}


def test_settling_goes_on_where_it_was_killed_and_closes_nothing_twice(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "CHUNK", 2)
    for number in range(5):
        lapse(monitor(f"parcels{number}.co.uk", 1))
    allow("suffix", "co.uk")
    assert settle_chunk()
    assert list(states().values()).count("closed_allow_listed") == 2
    work = next_work(db.session())
    assert work
    with pytest.raises(KeyboardInterrupt), writing() as session:
        settling.settle(session, work, START)
        raise KeyboardInterrupt
    assert list(states().values()).count("closed_allow_listed") == 2, "a killed chunk leaves nothing"
    settle()
    assert set(states().values()) == {"closed_allow_listed"}
    assert events("case.closed") == 5


def test_an_account_is_never_named_in_an_entry(context: Flask) -> None:
    assert db.session.scalars(select(Account)).all() == []
    with pytest.raises(ValueError, match="never single addresses"):
        read_wanted("domain", "someone@example.com", "x", "", START)
