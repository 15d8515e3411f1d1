"""The job that freezes the figures of months that are over."""

from __future__ import annotations

import time

from dashboard.database import db, writing
from dashboard.queries.month_counts import count_month, span_of
from dashboard.queries.statistics import to_be_frozen
from dashboard.runtime import domain_now
from dashboard.services.statistics import FREEZE_AFTER, freeze
from jobs.context import job_context

SECONDS_A_JOB = 120.0
"""Then the rest waits for the next hour: a database that is years old when it comes to this has many months."""


def freeze_months() -> dict[str, int]:
    """Freeze what ended long enough ago, the earliest first, a month a transaction; counting holds nobody up."""
    deadline, frozen = time.monotonic() + SECONDS_A_JOB, 0
    with job_context():
        for month in to_be_frozen(db.session(), domain_now() - FREEZE_AFTER):
            if time.monotonic() > deadline:
                break
            figures = count_month(db.session(), span_of(month))
            if figures:
                with writing() as session:
                    freeze(session, figures, domain_now())
                frozen += 1
    return {"frozen": frozen}
