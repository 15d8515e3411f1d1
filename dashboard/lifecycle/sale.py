"""Sold before the drop: after expiry the name goes on in other hands, and the creation date stays as it was.

A registrar parks an expired name, auctions it and hands it over within its grace (FACTS of the trade: parked on day
5, auctioned on day 26, handed over on day 43). No registry says so; registrar, name servers, mail and DS do. An owner
who renews late brings back what was there before: that is no sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.lifecycle.assessment import History, HolderChange
from dashboard.lifecycle.evidence import Evidence, EvidenceKind, Outcome, Phase, Reading
from dashboard.lifecycle.facts import SLACK, Registration, Step, by_time, day, is_directory, same_words, steps
from dashboard.lifecycle.mail_and_names import Moves, moves
from dashboard.lifecycle.tenure import Tenure

HANDED_OVER = timedelta(days=90)
"""Grace, redemption and pending delete last 80 days; what changes later follows from no expiry."""

RUN_OUT = frozenset({Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE})
_GOING_ON = frozenset({Phase.ACTIVE, Phase.HOLD})


def sold(present: Registration, phase: Phase, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Look for signs of a sale after expiry, the plainest first."""
    lapses = _lapses(readings)
    return (
        _other_registrar(readings)
        or _transferred(readings, lapses)
        or (_moved_on(readings, lapses) if phase in _GOING_ON else None)
        or _remembered_registrar(present, readings, history)
    )


def _lapses(readings: Sequence[Reading]) -> list[datetime]:
    """List when terms ran out that were seen to have run out; a registry's date alone proves nothing."""
    found = [expired_at(r) for r in readings if r.evidence.kind is not EvidenceKind.DELEGATION]
    return sorted({moment for moment in found if moment})


def expired_at(reading: Reading) -> datetime | None:
    """When the term ran out that a reading shows as run out; its first sight where the reading has no date."""
    evidence = reading.evidence
    behind = evidence.registrar_expires_at
    if behind is not None and behind <= reading.last_seen_at and evidence.phase in RUN_OUT:
        return behind
    if evidence.phase not in RUN_OUT:
        return None
    expires_at = evidence.expires_at
    return expires_at if expires_at and expires_at <= reading.first_seen_at else reading.first_seen_at


def _other_registrar(readings: Sequence[Reading]) -> Tenure | None:
    """Find another registrar after the term had run out."""
    for step in reversed(by_time(steps(readings))):
        if same_words(step.before.registrar, step.after.registrar):
            continue
        since = _moved_at(step, _term(step, readings))
        if since is not None:
            return _registrars(since, step.before.registrar, step.after.registrar)
    return None


def _term(step: Step, readings: Sequence[Reading]) -> datetime | None:
    """When the term ran out before a step, as far as anybody said; None: it had not."""
    before = step.before
    if before.phase in RUN_OUT:
        return _past(before.registrar_expires_at or before.expires_at, step.seen_at) or before.observed_at
    if before.registrar_expires_at is not None:
        return _past(before.registrar_expires_at, step.seen_at)
    # The registry renews its own date at expiry, paid for or not: an earlier reading may still show it.
    told = (r.evidence.expires_at for r in readings if is_directory(r) and r.first_seen_at <= step.seen_at)
    dates = [moment for moment in told if moment and moment <= step.seen_at]
    return max(dates, default=None)


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment and moment <= now else None


def _moved_at(step: Step, expired: datetime | None) -> datetime | None:
    """When the registration moved, if that was after its term: an ordinary transfer comes before, or much later."""
    if expired is None:
        return None
    moved = _later(step.before.transferred_at, step.after.transferred_at)
    if moved is not None:
        return moved if expired - SLACK <= moved <= expired + HANDED_OVER else None
    changed = step.after.changed_at
    if changed is not None and changed < expired - SLACK:
        return None
    return changed if changed is not None and changed <= step.seen_at else step.seen_at


def _later(before: datetime | None, after: datetime | None) -> datetime | None:
    """Return the date of a transfer that the earlier reading did not have yet."""
    return after if after != before else None


def _transferred(readings: Sequence[Reading], lapses: Sequence[datetime]) -> Tenure | None:
    """Find a transfer dated after a term that was seen to have run out: an auction may stay within one registrar."""
    dates = {t for r in readings if is_directory(r) and (t := r.evidence.transferred_at)}
    after = [(t, e) for t in dates for e in lapses if e + SLACK < t <= e + HANDED_OVER]
    if not after:
        return None
    moved, expired = max(after)
    return _sale(
        moved, f"It expired on {day(expired)} and was transferred on {day(moved)}; the creation date stayed."
    )


def _moved_on(readings: Sequence[Reading], lapses: Sequence[datetime]) -> Tenure | None:
    """Find a name that came back from expiry with other name servers and mail than it had."""
    found = moves(readings, lapses, HANDED_OVER)
    if found is None:
        return None
    if found.left_parking:
        return _sale(
            found.since,
            f"After expiry its name servers were the registrar's for expired names ({', '.join(found.parked_at)}), "
            f"then others than before ({day(found.since)}); the creation date stayed.",
        )
    signs = [*found.signs, *_for_sale(readings, found)]
    if len(signs) < 2:
        return None
    return _sale(found.since, f"After expiry {', '.join(signs)} ({day(found.since)}); the creation date stayed.")


def _for_sale(readings: Sequence[Reading], found: Moves) -> list[str]:
    """Say whether a status API listed the name for sale after its term."""
    words = {word for r in readings if r.last_seen_at >= found.expired for word in _sale_words(r.evidence)}
    return ["it was offered for sale"] if words else []


def _sale_words(evidence: Evidence) -> set[str]:
    return {"marketed", "priced"}.intersection(evidence.statuses) if evidence.outcome is Outcome.FOUND else set()


def _remembered_registrar(present: Registration, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Compare with the registrar of the last remembered period, where the last check saw the term run out."""
    if history.previous_phase not in RUN_OUT or not history.periods:
        return None
    last = max(history.periods, key=lambda p: (p.started_at, p.registrar or "", p.handle or ""))
    if same_words(last.registrar, present.registrar):
        return None
    seen = [r.first_seen_at for r in readings if r.evidence.registrar and r.evidence.registrar == present.registrar]
    return _registrars(min(seen), last.registrar, present.registrar) if seen else None


def _registrars(since: datetime, before: str | None, after: str | None) -> Tenure:
    """Put a change of registrar into words."""
    return _sale(
        since,
        f"After expiry the registrar changed from {before} to {after} ({day(since)}); the creation date stayed.",
    )


def _sale(since: datetime, why: str) -> Tenure:
    return Tenure(since, HolderChange.SOLD, (why,))
