"""The job that spreads a lapse, and the whole way there against the simulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dashboard import runtime
from dashboard.app import create_app
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.models import Case, Dependency, Domain, EvidenceRecord
from jobs import dependencies
from jobs.checks import claim_next, run_batch
from jobs.simulator.sample_domains import LAPSED_MAIL, planned_domains
from jobs.simulator.world import DEMO_START
from tests.conftest import ManualClock
from tests.support import story
from tests.support.simulator import running_simulator

LEANING = [planned.spec.name for planned in planned_domains() if f"mx.{LAPSED_MAIL}" in planned.spec.holder.mx]


def check_all_due() -> None:
    while (batch := claim_next()) is not None:
        run_batch(batch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(DEMO_START + timedelta(hours=1))


def test_a_mail_operator_that_nobody_has_registered_flags_who_it_served(
    settings: Settings, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine too it is the zones above that answer, not the resolver in their place.
    monkeypatch.setattr("jobs.providers.dns_parent.SECONDS", 60.0)
    folder = tmp_path / "simulator"
    folder.mkdir()
    with running_simulator(folder) as simulator:
        app = create_app(replace(settings, **simulator.settings), clock=clock)
        app.extensions[runtime.WALL_CLOCK] = clock
        with app.app_context():
            with writing() as session:
                source = story.add_source(session)
                for name in LEANING:
                    story.add_accounts(session, source, story.add_domain(session, name))
            check_all_due()
            assert dependencies.spread() == {"dependents": 3, "opened": 3}
            assert dependencies.spread() == {"dependents": 0, "opened": 0}
            cases = db.session.execute(select(Domain.name, Case.recommendation).join(Case)).all()
            assert {(row.name, row.recommendation) for row in cases} == {(name, "review") for name in LEANING}
            asked = select(EvidenceRecord.normalised).where(EvidenceRecord.provider == "dns")
            assert {row["server"] for row in db.session.scalars(asked)} >= {"com.", "net."}
            assert not [row for row in db.session.scalars(asked) if str(row["server"]).startswith("127.")]
            relied = db.session.scalars(
                select(Domain.name).join(Dependency, Dependency.depends_on_id == Domain.id)
            ).all()
            assert LAPSED_MAIL in relied
            db.engine.dispose()
