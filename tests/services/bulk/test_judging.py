"""What a preview leaves out and why, what it counts, and what takes a second person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Provider
from dashboard.models import (
    Account,
    Address,
    AllowKind,
    AllowListEntry,
    Brake,
    BulkAddress,
    BulkItem,
    BulkKind,
    Case,
    Claim,
    EvidenceRecord,
    Package,
    Unverification,
)
from dashboard.services.bulk.choose import choose
from dashboard.services.bulk.outcome import Refusal
from dashboard.services.bulk.prepare import Scope, Wanted, prepare
from tests import factories as make
from tests.conftest import START
from tests.support import bulk as steps
from tests.support.statements import recorded_statements

DAY = timedelta(days=1)


def why(bulk_id: int) -> dict[int, str]:
    """Why each case was left out, by case; empty for those that were not."""
    db.session.expire_all()
    return {row.case_id: row.why for row in db.session.scalars(select(BulkItem).where(BulkItem.bulk_id == bulk_id))}


def allow_list(case_id: int) -> None:
    with writing() as session:
        name = session.get_one(Case, case_id).domain.name
        session.add(AllowListEntry(kind=AllowKind.DOMAIN, value=name, domain=name, reason="ours", created_at=START))


def decide(case_id: int) -> None:
    with writing() as session:
        session.execute(update(Case).where(Case.id == case_id).values(state="decided"))


def hold(case_id: int) -> None:
    with writing() as session:
        session.execute(update(Case).where(Case.id == case_id).values(brake_id=make_brake(session)))


def make_brake(session: Session) -> int:
    brake = Brake(scope="tld", provider="", tld="net", mode="share", lapsed=30, checked=100, limit_per_mille=20, opened_at=START)  # fmt: skip
    session.add(brake)
    session.flush()
    return brake.id


def claim(case_id: int) -> None:
    other = steps.anna().staff_id
    with writing() as session:
        session.add(
            Claim(case_id=case_id, staff_id=other, claimed_at=START, expires_at=START + timedelta(minutes=10))
        )


def age_evidence(case_id: int) -> None:
    with writing() as session:
        domain_id = session.get_one(Case, case_id).domain_id
        old = {"first_seen_at": START - 9 * DAY, "last_seen_at": START - 2 * DAY}
        session.execute(update(EvidenceRecord).where(EvidenceRecord.domain_id == domain_id).values(old))


def contradict(case_id: int) -> None:
    with writing() as session:
        domain = session.get_one(Case, case_id).domain
        make.make_evidence(session, domain, Provider.FASTLY, phase=Phase.ACTIVE, statuses=("active",), at=START)


def unverify_all(case_id: int) -> None:
    with writing() as session:
        domain_id = session.get_one(Case, case_id).domain_id
        session.execute(update(Address).where(Address.domain_id == domain_id).values(verified=False))


REASONS: list[tuple[str, Callable[[int], None]]] = [
    ("allow_listed", allow_list),
    ("not_open", decide),
    ("held", hold),
    ("claimed", claim),
    ("stale_evidence", age_evidence),
    ("conflicting_evidence", contradict),
    ("no_addresses", unverify_all),
]


@pytest.mark.parametrize(("reason", "happens"), REASONS, ids=[name for name, _ in REASONS])
def test_a_case_is_left_out_of_the_preview_with_its_reason(
    context: Flask, reason: str, happens: Callable[[int], None]
) -> None:
    cases = steps.lapsed(3)
    happens(cases[1])
    bulk_id = steps.previewed(cases)
    assert why(bulk_id) == {cases[0]: "", cases[1]: reason, cases[2]: ""}
    found = steps.bulk(bulk_id)
    assert (found.items, found.addresses, found.counts["excluded"]) == (2, 4, {reason: 1})


@pytest.mark.parametrize(("reason", "happens"), REASONS, ids=[name for name, _ in REASONS])
def test_the_same_is_asked_again_at_its_turn(context: Flask, reason: str, happens: Callable[[int], None]) -> None:
    """Evidence may grow old while an action runs: the publisher has it checked before anything is sent."""
    if reason in {"stale_evidence", "conflicting_evidence"}:
        return
    cases = steps.lapsed(11)
    bulk_id = steps.running(cases)
    happens(cases[4])
    assert steps.work(bulk_id) == "completed"
    assert why(bulk_id)[cases[4]] == reason
    assert steps.bulk(bulk_id).skipped_items == 1
    assert len(db.session.scalars(select(Unverification.id)).all()) == 20


def test_a_case_that_changed_between_the_queue_and_the_preview_is_left_out(context: Flask) -> None:
    cases = steps.lapsed(2)
    author = steps.rita()
    with writing() as session:
        wanted = Wanted(BulkKind.APPROVE, Scope.TICKED, [(cases[0], 1), (cases[1], 7)])
        bulk_id = prepare(session, wanted, author, START, START)
    steps.work(bulk_id)
    assert why(bulk_id) == {cases[0]: "", cases[1]: "version_changed"}


def test_a_case_waits_in_one_confirmed_action_only(context: Flask) -> None:
    cases = steps.lapsed(2)
    steps.running(cases[:1])
    assert why(steps.previewed(cases)) == {cases[0]: "in_another", cases[1]: ""}


def test_keeping_verified_asks_neither_brakes_nor_the_age_of_evidence(context: Flask) -> None:
    cases = steps.lapsed(2)
    hold(cases[0])
    age_evidence(cases[1])
    assert why(steps.previewed(cases, BulkKind.OVERRIDE)) == {cases[0]: "", cases[1]: ""}


def test_a_preview_says_what_hangs_on_it(context: Flask) -> None:
    cases = steps.lapsed(2, addresses=3)
    with writing() as session:
        account = session.scalars(select(Account).order_by(Account.id)).first()
        assert account
        make.make_address(session, account, make.make_domain(session), verified=True)
    counts = steps.bulk(steps.previewed(cases)).counts
    assert {name: counts[name] for name in ("listed", "accounts", "sole", "no_second_factor", "packages")} == {
        "listed": 2,
        "accounts": 6,
        "sole": 5,
        "no_second_factor": 4,
        "packages": 2,
    }
    assert counts["downloads"] == 2000
    assert counts["top"] == [["parcel", "Index", 1000, False]] * 2


def test_two_addresses_of_one_account_in_two_cases_leave_it_without_any(context: Flask) -> None:
    """Neither case alone would take its last one."""
    first, second = steps.lapsed(2, addresses=0)
    with writing() as session:
        source = make.make_source(session)
        account = make.make_account(session, source)
        for ident in (first, second):
            make.make_address(session, account, session.get_one(Case, ident).domain)
    assert steps.bulk(steps.previewed([first, second])).counts["sole"] == 1
    assert steps.bulk(steps.previewed([first])).counts["sole"] == 0


def test_above_a_hundred_addresses_a_second_person_is_needed(context: Flask) -> None:
    assert not steps.bulk(steps.previewed(steps.lapsed(10, addresses=10))).needs_second
    assert steps.bulk(steps.previewed(steps.lapsed(1, addresses=101))).needs_second


def test_high_profile_accounts_are_left_out_until_they_are_ticked(context: Flask) -> None:
    famous, plain = steps.lapsed(1, downloads=2_000_000)[0], steps.lapsed(1)[0]
    bulk_id = steps.previewed([famous, plain])
    found = steps.bulk(bulk_id)
    assert why(bulk_id) == {famous: "only_high_profile", plain: ""}
    assert (found.addresses, found.needs_second, found.counts["high_profile_left_out"]) == (2, False, 2)
    before = found.digest
    accounts = db.session.scalars(select(BulkAddress.account_id).where(BulkAddress.is_high_profile)).all()
    author = steps.rita()
    with writing() as session:
        choose(session, bulk_id, found.version, accounts[:1], author, START, START)
    found = steps.bulk(bulk_id)
    assert (found.addresses, found.items, found.needs_second, found.counts["high_profile"]) == (3, 2, True, 1)
    assert found.digest != before
    with writing() as session:
        choose(session, bulk_id, found.version, [], author, START, START)
    assert steps.bulk(bulk_id).digest == before, "the same choice is the same list"


def test_a_critical_package_is_of_high_profile_whatever_its_downloads(context: Flask) -> None:
    cases = steps.lapsed(1)
    with writing() as session:
        session.execute(update(Package).values(critical=True))
    assert steps.bulk(steps.previewed(cases)).counts["excluded"] == {"only_high_profile": 1}


def test_only_the_author_chooses_and_only_what_they_saw(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, downloads=2_000_000))
    found, other, author = steps.bulk(bulk_id), steps.anna(), steps.rita()
    version = found.version
    with writing() as session:
        assert choose(session, bulk_id, version, [], other, START, START).refusal is Refusal.CONFLICT
        assert choose(session, bulk_id, version - 1, [], author, START, START).refusal is Refusal.CONFLICT


def test_the_digest_is_over_every_address_state(context: Flask) -> None:
    cases = steps.lapsed(2)
    first = steps.bulk(steps.previewed(cases)).digest
    assert steps.bulk(steps.previewed(cases)).digest == first
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(state_token="t9"))
    assert steps.bulk(steps.previewed(cases)).digest != first


def test_a_long_list_is_weighed_in_as_many_statements_a_chunk_as_a_short_one(context: Flask) -> None:
    steps.rita()
    counts = []
    for size in (2, 40):
        bulk_id = steps.listed(steps.lapsed(size))
        with recorded_statements(context) as statements:
            steps.work(bulk_id, steps=1)
        counts.append(len(statements))
    assert counts[0] == counts[1]
