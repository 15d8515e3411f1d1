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
from dashboard.queries.providers import DAYS, ServerHealth, known_paces, month_use, server_health
from dashboard.runtime import settings
from dashboard.web.filters import page_now

blueprint = Blueprint("providers", __name__)
NEARLY = 0.8
"""The share of a monthly quota from which its tile warns."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a metered provider was asked this month. `limit` 0: no quota is set."""

    provider: str
    used: int
    limit: int

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
    used = month_use(session, now)
    return render_template(
        "settings/providers.html",
        providers=[(provider, list(rows)) for provider, rows in groupby(health, key=lambda each: each.provider)],
        paces=paces,
        alone=_left_alone(health, paces or {}),
        quotas=[Quota(name, count, current.fastly_monthly_quota) for name, count in sorted(used.items())],
        asked_today=sum(each.asked_today for each in health),
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
