"""Bulk actions in tests: lapsed domains by the handful, and the steps from a list to its result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.models import BulkAction, BulkKind, Case, Package, Source, Staff
from dashboard.services.bulk.confirm import Confirmation, approve, confirm
from dashboard.services.bulk.judging import Moment
from dashboard.services.bulk.outcome import Outcome
from dashboard.services.bulk.prepare import Person, Scope, Wanted, decisions_of, prepare, prepare_revert
from dashboard.services.bulk.work import Pace, claim, step
from tests import factories as make
from tests.conftest import START
from tests.support import story

LEASE = timedelta(seconds=30)
MOMENT = Moment(START, START)
PACE = Pace()


def person(email: str) -> Person:
    """A member of staff of that name, added at first sight."""
    with writing() as session:
        known = session.scalar(select(Staff.id).where(Staff.email == email))
        found = known or story.add_staff(session, email).id
    return Person(Actor(ActorKind.STAFF, str(found)), found)


def rita() -> Person:
    """The author."""
    return person("rita@desk.test")


def anna() -> Person:
    """The second person."""
    return person("anna@desk.test")


def lapsed(count: int, addresses: int = 2, *, at: datetime = START, source: str = "index", downloads: int = 1000) -> list[int]:  # fmt: skip
    """Add so many domains in redemption with an open case each, and fresh evidence; return the cases' ids by risk."""
    ids: list[int] = []
    with writing() as session:
        known = session.scalar(select(Source).where(Source.slug == source))
        owner = known or story.add_source(session, source)
        for _ in range(count):
            domain = make.make_domain(session)
            make.make_evidence(session, domain, at=at, expires_at=at - timedelta(days=40))
            if addresses:
                story.add_accounts(session, owner, domain, count=addresses)
                if downloads != 1000:
                    mine = Package.purl == f"pkg:test/{domain.name}"
                    session.execute(update(Package).where(mine).values(downloads_30d=downloads))
            case = make.make_case(session, domain, risk=90 - len(ids) % 80, addresses=addresses)
            ids.append(case.id)
    return ids


def listed(case_ids: Sequence[int], kind: BulkKind = BulkKind.APPROVE, author: Person | None = None) -> int:
    """Freeze a list of these cases as they are."""
    author = author or rita()
    with writing() as session:
        query = select(Case.id, Case.version).where(Case.id.in_(case_ids)).order_by(Case.id)
        cases = [(row.id, row.version) for row in session.execute(query)]
        return prepare(session, Wanted(kind, Scope.TICKED, cases), author, START, START)


def work(bulk_id: int, moment: Moment = MOMENT, pace: Pace = PACE, steps: int = 1000) -> str:
    """Claim the action and work until it ends, or for so many chunks; return its state."""
    with writing() as session:
        claim(session, bulk_id, "lease", moment.wall_now, LEASE)
    for _ in range(steps):
        with writing() as session:
            if step(session, bulk_id, "lease", moment, LEASE, pace).ended:
                break
    return bulk(bulk_id).state


def bulk(bulk_id: int) -> BulkAction:
    """The action as it is now."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(BulkAction, bulk_id)


def previewed(case_ids: Sequence[int], kind: BulkKind = BulkKind.APPROVE) -> int:
    """Freeze a list and weigh it."""
    bulk_id = listed(case_ids, kind)
    assert work(bulk_id) == "previewed"
    return bulk_id


def say_yes(bulk_id: int, author: Person | None = None, wall_now: datetime = START, **values: object) -> Outcome:
    """Confirm what the preview shows."""
    seen = bulk(bulk_id)
    defaults: dict[str, object] = {
        "version": seen.version,
        "digest": seen.digest,
        "reason_code": "lapsed" if seen.kind == "approve" else "owner_confirmed",
        "note": "seen twice",
        "typed_count": seen.addresses,
    }
    author = author or rita()
    with writing() as session:
        given = Confirmation(**(defaults | values))  # type: ignore[arg-type]
        return confirm(session, bulk_id, given, author, START, wall_now)


def second(bulk_id: int, who: Person | None = None, wall_now: datetime = START) -> Outcome:
    """Let the second person approve what the preview shows."""
    seen, who = bulk(bulk_id), who or anna()
    with writing() as session:
        return approve(session, bulk_id, seen.version, seen.digest, who, START, wall_now)


def running(case_ids: Sequence[int], kind: BulkKind = BulkKind.APPROVE, **values: object) -> int:
    """Bring a list to the point where its work begins."""
    bulk_id = previewed(case_ids, kind)
    if say_yes(bulk_id, **values).state == "awaiting_second":  # type: ignore[arg-type]
        second(bulk_id)
    assert bulk(bulk_id).state == "running"
    return bulk_id


def done(case_ids: Sequence[int], kind: BulkKind = BulkKind.APPROVE) -> int:
    """Bring a list to its end."""
    bulk_id = running(case_ids, kind)
    assert work(bulk_id) == "completed"
    return bulk_id


def reverting(bulk_id: int, author: Person | None = None) -> int:
    """Freeze and weigh what takes a bulk action back."""
    author = author or rita()
    with writing() as session:
        wanted = Wanted(BulkKind.REVERT, Scope.REVERT, reverts_id=bulk_id)
        made = decisions_of(session, bulk_id)
        revert_id = prepare_revert(session, made, wanted, author, START, START)
    assert work(revert_id) == "previewed"
    return revert_id
