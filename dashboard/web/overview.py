"""What needs somebody now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template

from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.queries.brakes import brakes
from dashboard.queries.domains import DomainFilters, domain_count
from dashboard.queries.history import phase_spans
from dashboard.queries.overview import (
    LOOKUP_DAYS,
    STUCK_AFTER,
    first_steps,
    lookups,
    month_figures,
    stuck_deliveries,
)
from dashboard.queries.queue import QueueFilters, Viewer, dropping_count, phase_counts, queue_page, state_counts
from dashboard.queries.sweeps import last_doubt
from dashboard.web.filters import page_now
from dashboard.web.pictures import row_strip

blueprint = Blueprint("overview", __name__)
DROP_DAYS = 5
RISKIEST = 8


def months_until(now: datetime) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime]]:
    """Return start and end of this month so far, and of the whole month before."""
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (start - timedelta(days=1)).replace(day=1)
    return (start, now + timedelta(microseconds=1)), (before, start)


@blueprint.get("/")
@requires(Permission.OVERVIEW_READ)
def index() -> str:
    """Show what needs somebody now, every number a link to the rows behind it."""
    now, session = page_now(), db.session()
    riskiest = queue_page(session, QueueFilters(), Viewer(now, now), size=RISKIEST).rows
    spans = phase_spans(session, [row.domain_id for row in riskiest])
    phases = phase_counts(session)
    both_months = months_until(now)
    this_month, last_month = month_figures(session, both_months)
    return render_template(
        "overview/index.html",
        first_steps=first_steps(session),
        riskiest=riskiest,
        strips={row.id: row_strip(row, spans.get(row.domain_id, ()), now) for row in riskiest},
        phases=sorted(phases.items(), key=lambda item: -item[1]),
        open_cases=sum(phases.values()),
        dropping=dropping_count(session, now, DROP_DAYS),
        drop_days=DROP_DAYS,
        waiting=state_counts(session),
        overdue=domain_count(session, DomainFilters(overdue_at=now)),
        stuck=stuck_deliveries(session, now),
        stuck_hours=int(STUCK_AFTER.total_seconds() // 3600),
        brakes=brakes(session, on=True),
        doubt=last_doubt(session, now),
        lookups=lookups(session, now),
        lookup_days=LOOKUP_DAYS,
        this_month=this_month,
        last_month=last_month,
        months=[f"{start:%Y-%m}" for start, _ in both_months],
        now=now,
    )
