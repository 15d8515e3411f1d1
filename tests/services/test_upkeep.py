"""Raw replies go after 400 days, unless a decision rests on them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import AuditEntry, EvidenceRecord
from dashboard.services import upkeep
from dashboard.services.upkeep import KEPT, drop_replies, old_replies
from jobs.upkeep import drop_raw_replies
from tests import factories as make
from tests.conftest import START, ManualClock
from tests.support import story

OLD, YOUNG = START - KEPT - timedelta(seconds=1), START - KEPT


def kept() -> dict[int, bool]:
    db.session.expire_all()
    return {row.id: row.raw is not None for row in db.session.scalars(select(EvidenceRecord))}


def test_only_what_is_older_than_400_days_and_frozen_by_nobody_goes(context: Flask) -> None:
    with writing() as session:
        staff = story.add_staff(session)
        domain, decided = make.make_domain(session), make.make_domain(session)
        case = make.make_case(session, decided)
        old, young = make.make_evidence(session, domain, at=OLD), make.make_evidence(session, domain, at=YOUNG)
        still_said = make.make_evidence(session, domain, at=START, since=OLD)
        frozen, beside = (make.make_evidence(session, decided, at=OLD) for _ in range(2))
        make.make_decision(session, case, staff.id, frozen={"evidence": [{"id": frozen.id}]})
        expected = {old.id: False, young.id: True, still_said.id: True, frozen.id: True, beside.id: False}
    assert drop_raw_replies() == {"dropped": 2}
    assert kept() == expected
    rows = db.session.scalars(select(EvidenceRecord)).all()
    assert all(row.raw_digest and row.normalised for row in rows), "what it said stays"
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.event, entry.actor, entry.object_id) == ("raw_replies.dropped", "system:upkeep", "2025-09-27")
    assert b'"rows":2' in entry.canonical
    assert drop_raw_replies() == {"dropped": 0}
    assert len(db.session.scalars(select(AuditEntry)).all()) == 1, "nothing done, nothing told"


def test_all_domains_are_come_to_in_slices_and_replies_in_chunks(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SLICE", 2)
    monkeypatch.setattr("jobs.upkeep.CHUNK", 2)
    with writing() as session:
        for _ in range(5):
            domain = make.make_domain(session)
            make.make_evidence(session, domain, at=OLD)
    assert drop_raw_replies() == {"dropped": 5}
    assert set(kept().values()) == {False}


def test_what_a_decision_froze_or_a_provider_repeated_meanwhile_stays(context: Flask, clock: ManualClock) -> None:
    with writing() as session:
        domain = make.make_domain(session)
        case = make.make_case(session, domain)
        frozen, repeated = (make.make_evidence(session, domain, at=OLD) for _ in range(2))
        ids = [frozen.id, repeated.id]
    assert list(old_replies(db.session(), clock.now()).ids) == ids
    db.session.rollback()
    with writing() as session:
        staff = story.add_staff(session)
        make.make_decision(session, case, staff.id, frozen={"evidence": [{"id": ids[0]}]})
        session.get_one(EvidenceRecord, ids[1]).last_seen_at = START
    with writing() as session:
        assert drop_replies(session, ids, clock.now()) == 0
    assert set(kept().values()) == {True}
