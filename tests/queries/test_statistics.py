"""The month's figures, counted by hand."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.database import db, writing
from dashboard.models import Address, Case, CaseOpening, Check, Decision, Domain, Source, Unverification
from dashboard.queries.month_counts import count_month
from dashboard.queries.statistics import (
    COLUMNS,
    BesideRow,
    MonthRow,
    figures_of,
    month_rows,
    months,
    recent_months,
    span_of,
    to_be_frozen,
    to_rows,
)
from dashboard.queries.statistics_files import to_csv, to_json
from dashboard.services.statistics import ACTOR, freeze
from dashboard.services.statistics import export as take
from tests import factories as make
from tests.support import story
from tests.support.audit import entries

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


class Ledger:
    """Adds rows of a month's work."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.staff = story.add_staff(session)
        self.number = 0

    def domain(self, name: str, *sources: Source) -> tuple[Domain, dict[str, Address]]:
        domain = story.add_domain(self.session, name)
        return domain, {source.slug: story.add_accounts(self.session, source, domain)[0] for source in sources}

    def checked(self, domain: Domain, *times: datetime, failed: bool = False) -> None:
        for at in times:
            self.session.add(Check(domain_id=domain.id, due_at=at, checked_at=at, phase="active", failed=failed))

    def case(self, domain: Domain) -> Case:
        case = Case(
            domain_id=domain.id,
            state="open",
            phase="redemption",
            confidence="single",
            recommendation="review",
            holder_change="none",
            risk=1,
            risk_parts=[],
            opened_at=NOVEMBER,
            opened_why="",
            updated_at=NOVEMBER,
        )
        self.session.add(case)
        self.session.flush()
        return case

    def opened(self, case: Case, at: datetime) -> CaseOpening:
        opening = CaseOpening(case_id=case.id, opened_at=at, why="")
        self.session.add(opening)
        self.session.flush()
        return opening

    def decided(self, opening: CaseOpening, kind: str, at: datetime) -> Decision:
        decision = Decision(
            case_id=opening.case_id,
            opening_id=opening.id,
            kind=kind,
            reason_code="lapsed",
            note="",
            staff_id=self.staff.id,
            decided_at=at,
            case_version=1,
            frozen={},
        )
        self.session.add(decision)
        self.session.flush()
        return decision

    def settled(self, decision: Decision, address: Address, state: str, at: datetime, **values: str) -> None:
        self.number += 1
        self.session.add(
            Unverification(
                public_id=f"u{self.number}",
                decision_id=decision.id,
                address_id=address.id,
                source_id=address.source_id,
                state=state,
                judged={},
                reason="lapsed",
                decided_at=decision.decided_at,
                settled_at=at,
                kind=values.get("kind", "unverify"),
                effect=values.get("effect", "unverify"),
            )
        )


@pytest.fixture
def november(context: Flask) -> None:
    """Work of two sources: one domain is theirs in common, the second one has a domain of its own."""
    with writing() as session:
        ledger = Ledger(session)
        first, second = story.add_source(session, "first"), story.add_source(session, "second")
        story.add_source(session, "third")
        shared, of_shared = ledger.domain("shared.com", first, second)
        own, of_own = ledger.domain("own.com", second)
        broken, _ = ledger.domain("broken.com", second)
        ledger.checked(shared, NOVEMBER, NOVEMBER + HOUR, NOVEMBER - INSTANT)
        ledger.checked(own, DECEMBER - INSTANT, DECEMBER)
        ledger.checked(broken, NOVEMBER + HOUR, failed=True)
        shared_case, own_case = ledger.case(shared), ledger.case(own)
        opening = ledger.opened(shared_case, NOVEMBER - HOUR)
        approved = ledger.decided(opening, "approve", NOVEMBER + 2 * HOUR)  # after 3 hours
        again = ledger.opened(shared_case, NOVEMBER + 24 * HOUR)
        ledger.decided(again, "override", NOVEMBER + 24.5 * HOUR)  # after half an hour
        third = ledger.opened(own_case, NOVEMBER + 48 * HOUR)
        ledger.decided(third, "approve", NOVEMBER + 148 * HOUR)  # after 100 hours
        ledger.settled(approved, of_shared["first"], "applied", NOVEMBER + 3 * HOUR)
        ledger.settled(approved, of_shared["second"], "stale", NOVEMBER + 3 * HOUR)
        ledger.settled(approved, of_own["second"], "rejected", DECEMBER - INSTANT)
        ledger.settled(approved, of_shared["first"], "applied", DECEMBER, kind="revert")
        ledger.settled(
            approved, of_own["second"], "applied", NOVEMBER + HOUR, effect="block_reset", kind="early_warning"
        )


@pytest.mark.usefixtures("november")
def test_a_month_counts_what_fell_into_it_for_each_source() -> None:
    assert month_rows(db.session(), "2026-11") == [
        MonthRow("2026-11", "first", 1, 1, 1, 1, 1, 0, 0, 0, 1.8),  # median of 3 and 0.5 is 1.75
        MonthRow("2026-11", "second", 2, 2, 2, 1, 0, 1, 1, 0, 3.0),  # of 3, 0.5 and 100
        MonthRow("2026-11", "third", 0, 0, 0, 0, 0, 0, 0, 0, None),
    ]


@pytest.mark.usefixtures("november")
def test_what_is_milder_is_counted_beside() -> None:
    with writing() as session:
        address = session.scalars(select(Address).order_by(Address.id)).first()
        decision = session.scalars(select(Decision).order_by(Decision.id.desc())).first()
        assert address is not None
        assert decision is not None
        made = make.make_unverification(session, decision, address, "applied")
        made.effect, made.kind, made.settled_at = "block_reset", "unverify", NOVEMBER
        for kind, state, at in (
            ("early_warning", "applied", NOVEMBER),
            ("early_warning", "already", NOVEMBER),
            ("takeover_suspected", "applied", DECEMBER),
        ):
            make.make_notice(session, address, state, kind=kind, settled_at=at)
    found = {month.name: month.beside for month in recent_months(db.session())}
    assert found["2026-11"] == [BesideRow("2026-11", "first", 1, 1, 0)]
    assert found["2026-12"] == [BesideRow("2026-12", "first", 0, 0, 1)]
    assert found["2026-10"] == []
    assert sum(row.addresses_unverified for row in month_rows(db.session(), "2026-11")) == 1


@pytest.mark.usefixtures("november")
def test_the_months_beside_it_count_what_fell_into_them() -> None:
    october, december = month_rows(db.session(), "2026-10"), month_rows(db.session(), "2026-12")
    assert [(row.domains_checked, row.flagged) for row in october] == [(1, 1), (1, 1), (0, 0)]
    assert [(row.domains_checked, row.reverted) for row in december] == [(0, 1), (1, 0), (0, 0)]


@pytest.mark.usefixtures("november")
def test_all_months_with_work_come_latest_first() -> None:
    assert months(db.session()) == ["2026-12", "2026-11", "2026-10"]
    found = recent_months(db.session())
    assert [month.name for month in found] == ["2026-12", "2026-11", "2026-10"]
    assert [row.source for row in found[0].rows] == ["first", "second", "third"]
    assert found[1].rows == month_rows(db.session(), "2026-11")
    assert [month.name for month in recent_months(db.session(), 2)] == ["2026-12", "2026-11"]


def test_without_work_there_are_no_months(context: Flask) -> None:
    assert (months(db.session()), recent_months(db.session())) == ([], [])


def freeze_month(month: str, now: datetime = DECEMBER + 100 * HOUR) -> None:
    counted = count_month(db.session(), span_of(month))
    with writing() as session:
        freeze(session, counted, now)


@pytest.mark.usefixtures("november")
def test_frozen_months_say_exactly_what_was_counted() -> None:
    names = months(db.session())
    counted = {name: to_rows(db.session(), count_month(db.session(), span_of(name))) for name in names}
    beside = {month.name: month.beside for month in recent_months(db.session())}
    for name in names:
        freeze_month(name)
    assert {name: month_rows(db.session(), name) for name in names} == counted
    kept = recent_months(db.session())
    assert {month.name: (month.rows, month.beside) for month in kept} == {
        name: (counted[name], beside[name]) for name in names
    }
    assert all(month.frozen_at == DECEMBER + 100 * HOUR for month in kept)
    assert to_be_frozen(db.session(), DECEMBER + 10_000 * HOUR) == []


@pytest.mark.usefixtures("november")
def test_what_comes_and_goes_later_changes_no_frozen_month() -> None:
    freeze_month("2026-11")
    before = month_rows(db.session(), "2026-11")
    with writing() as session:
        session.execute(update(Address).values(domain_id=None))  # everybody moved away
        session.add(
            Check(domain_id=1, due_at=NOVEMBER + 9 * HOUR, checked_at=NOVEMBER + 9 * HOUR, phase="x", failed=False)
        )
        story.add_source(session, "later")
    assert month_rows(db.session(), "2026-11") == before
    counted = to_rows(db.session(), count_month(db.session(), span_of("2026-11")))
    assert [row.domains_checked for row in counted] == [0, 0, 0, 0], "counted anew, they would have"


@pytest.mark.usefixtures("november")
def test_the_first_to_freeze_a_month_is_right_and_tells_it_once() -> None:
    late = count_month(db.session(), span_of("2026-11"))
    for each in late:
        each.flagged = 99
    freeze_month("2026-11")
    before = month_rows(db.session(), "2026-11")
    with writing() as session:
        kept = to_rows(session, freeze(session, late, DECEMBER + 200 * HOUR))
    assert kept == before == month_rows(db.session(), "2026-11")
    told = [entry for entry in entries(db.session()) if entry.event == "statistics.frozen"]
    assert [entry.object["id"] for entry in told] == ["2026-11"]
    assert told[0].data["figures"]["second"]["median_hours_to_decision"] == "3.0"
    assert told[0].data["figures"]["first"]["flagged"] == 1


@pytest.mark.usefixtures("november")
def test_months_wait_for_their_time_to_be_frozen() -> None:
    assert to_be_frozen(db.session(), DECEMBER - INSTANT) == ["2026-10"]
    assert to_be_frozen(db.session(), DECEMBER) == ["2026-10", "2026-11"]


@pytest.mark.usefixtures("november")
@pytest.mark.parametrize("over", [True, False])
def test_a_file_of_a_month_that_is_over_freezes_it(over: bool) -> None:  # noqa: FBT001  pytest passes it by name
    counted = figures_of(db.session(), "2026-11")
    with writing() as session:
        rows = to_rows(session, take(session, "2026-11", counted, "csv", ACTOR, DECEMBER + 2 * HOUR, over=over))
    assert rows == month_rows(db.session(), "2026-11")
    assert (figures_of(db.session(), "2026-11")[0].frozen_at is not None) is over
    told = [entry.event for entry in entries(db.session())]
    assert told == (["statistics.frozen"] if over else []) + ["statistics.exported"]


def test_december_ends_with_the_year() -> None:
    assert span_of("2026-12").end == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "26-11", "2026-11-01", "", "٢٠٢٦-11", "0000-01"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="2026-11"):
        span_of(month)


ROWS = [
    MonthRow("2026-11", "=cmd()", 1, 2, 3, 4, 5, 6, 7, 8, None),
    MonthRow("2026-11", "b", 0, 0, 0, 0, 0, 0, 0, 0, 2.5),
]


def test_the_csv_has_the_declared_columns_and_no_formulas() -> None:
    header, first, second = csv.reader(io.StringIO(to_csv(ROWS)))
    assert ",".join(header) == (
        "month,source,domains_checked,flagged,approved,overridden,addresses_unverified,stale,rejected,reverted,"
        "median_hours_to_decision"
    )
    assert first == ["2026-11", "'=cmd()", "1", "2", "3", "4", "5", "6", "7", "8", ""]
    assert second[-1] == "2.5"


def test_the_json_has_the_same_columns_and_null_for_unknown() -> None:
    first, second = json.loads(to_json(ROWS))
    assert tuple(first) == COLUMNS
    assert (first["median_hours_to_decision"], second["median_hours_to_decision"], first["source"]) == (
        None,
        2.5,
        "=cmd()",
    )
