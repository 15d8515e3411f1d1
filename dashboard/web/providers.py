"""The providers' health: who was asked how often, what failed, who is left alone, and what is left of the quotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, render_template

from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.pace import Breaker, ServerPace
from dashboard.queries.providers import DAYS, METERED, ServerHealth, known_paces, month_use, server_health
from dashboard.queries.sweeps import sweep_state
from dashboard.runtime import settings
from dashboard.web.filters import page_now

blueprint = Blueprint("providers", __name__)
NEARLY = 0.8
"""The share of a monthly quota from which its tile warns."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a metered provider was asked this month, `today` of it today. `limit` 0: no quota is set."""

    provider: str
    used: int
    limit: int
    today: int = 0

    @property
    def free(self) -> int:
        """How many of this month's look-ups cost nothing: all of them where no quota is set."""
        return min(self.used, self.limit) if self.limit else self.used

    @property
    def paid(self) -> int:
        """How many of this month's look-ups may cost money."""
        return self.used - self.free

    @property
    def paid_today(self) -> int:
        """How many of today's may."""
        return min(self.paid, self.today)

    @property
    def is_near(self) -> bool:
        """Whether little is left."""
        return bool(self.limit) and self.used >= self.limit * NEARLY

    @property
    def is_spent(self) -> bool:
        """Whether every further look-up may cost money."""
        return bool(self.limit) and self.used >= self.limit


@blueprint.get("/settings/providers")
@requires(Permission.PROVIDERS_READ)
def index() -> str:
    """Show every provider's servers; what Redis does not tell is said to be unknown."""
    now, session, current = page_now(), db.session(), settings()
    health = server_health(session, now)
    paces = known_paces(current.redis_url)
    quotas = [
        Quota(name, use.month, current.fastly_monthly_quota, use.today)
        for name, use in sorted(month_use(session, now).items())
    ]
    asked_today, paid_today = sum(each.asked_today for each in health), sum(each.paid_today for each in quotas)
    return render_template(
        "settings/providers.html",
        providers=[(provider, list(rows)) for provider, rows in groupby(health, key=lambda each: each.provider)],
        paces=paces,
        alone=_left_alone(health, paces or {}),
        quotas=quotas,
        metered=METERED,
        free_today=asked_today - paid_today,
        paid_today=paid_today,
        sweep=sweep_state(session, now),
        sweep_rate=current.dns_sweep_rate,
        failed_today=sum(each.failed_today for each in health),
        days=DAYS,
        now=now,
    )


def _left_alone(health: Iterable[ServerHealth], paces: Mapping[str, ServerPace]) -> int:
    """Count the servers that are not asked at present."""
    known = {paces[each.server] for each in health if each.server in paces}
    return sum(_is_left_alone(pace) for pace in known)


def _is_left_alone(pace: ServerPace) -> bool:
    return pace.breaker is Breaker.OPEN or pace.paused_until is not None or pace.is_spent
