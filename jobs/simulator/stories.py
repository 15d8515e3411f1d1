"""From a spec to its chapters: the dated stages that a domain passes through. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from jobs.simulator.profiles import RULES, Rules, years_later
from jobs.simulator.specs import DomainSpec, Holder, Profile, Story


class Stage(StrEnum):
    """Where a name stands, finer than any one provider shows it."""

    ACTIVE = "active"
    GRACE = "grace"
    DARK = "dark"
    PARKED = "parked"
    AUCTION = "auction"
    REDEMPTION = "redemption"
    PENDING_RESTORE = "pending_restore"
    PENDING_DELETE = "pending_delete"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One stretch of a domain's life. `paid_until` is the registrar's date at its start."""

    starts_at: datetime
    stage: Stage
    holder: Holder
    registered_at: datetime
    paid_until: datetime
    transferred_at: datetime | None = None


PARKING = ("expired1.lotkeeper-dns.net", "expired2.lotkeeper-dns.net")
PARKED_AFTER = timedelta(days=5)
AUCTION_AFTER = timedelta(days=26)
RESTORE_TAKES = timedelta(days=2)


def chapters(spec: DomainSpec) -> tuple[Chapter, ...]:
    """Return the chapters of `spec` in order of time; `ValueError` when the story cannot happen as told."""
    first = Chapter(spec.created_at, Stage.ACTIVE, spec.holder, spec.created_at, spec.expires_at)
    if spec.story is Story.NEVER_REGISTERED:
        return (replace(first, stage=Stage.FREE),)
    tell = _TELLERS.get(spec.story)
    return (first, *(tell(spec, first) if tell else ()))


def _rules(spec: DomainSpec) -> Rules:
    rules = RULES[spec.profile]
    return rules if spec.grace_days is None else replace(rules, grace=spec.grace_days)


def _lapse(spec: DomainSpec, first: Chapter) -> Iterator[Chapter]:
    rules, expiry = _rules(spec), spec.expires_at
    deleted = expiry + timedelta(days=rules.grace)
    freed = deleted + timedelta(days=rules.redemption)
    dropped = freed + timedelta(days=rules.pending_delete)
    dark = deleted - timedelta(days=min(rules.dark, rules.grace))
    starts = (
        (expiry, dark, Stage.GRACE),
        (dark, deleted, Stage.DARK),
        (deleted, freed, Stage.REDEMPTION),
        (freed, dropped, Stage.PENDING_DELETE),
    )
    for start, end, stage in starts:
        if start < end:
            yield replace(first, starts_at=start, stage=stage)
    yield replace(first, starts_at=dropped, stage=Stage.FREE)


def _lapse_and_renew(spec: DomainSpec, first: Chapter) -> Iterator[Chapter]:
    renewed_at = spec.expires_at + timedelta(hours=spec.turn_hours)
    passed = list(takewhile(lambda chapter: chapter.starts_at < renewed_at, _lapse(spec, first)))
    yield from passed
    last = passed[-1].stage if passed else Stage.GRACE
    if last in {Stage.PENDING_DELETE, Stage.FREE}:
        raise ValueError(f"{spec.name} cannot be renewed: it is {last} by then")
    if last is Stage.REDEMPTION and spec.profile is not Profile.UK:
        yield replace(first, starts_at=renewed_at, stage=Stage.PENDING_RESTORE)
        renewed_at += RESTORE_TAKES
    yield replace(first, starts_at=renewed_at)


def _drop_and_catch(spec: DomainSpec, first: Chapter) -> Iterator[Chapter]:
    *lapse, free = _lapse(spec, first)
    caught_at = free.starts_at + timedelta(hours=spec.turn_hours)
    yield from lapse
    if free.starts_at < caught_at:
        yield free
    paid_until = years_later(caught_at, 1)
    yield Chapter(caught_at, Stage.ACTIVE, spec.next_holder(), caught_at, paid_until)


def _auction_sale(spec: DomainSpec, first: Chapter) -> Iterator[Chapter]:
    """Tell a sale after expiry and before deletion: the handle and the creation date stay, all else is replaced."""
    expiry, parked = spec.expires_at, replace(spec.holder, ns=PARKING, mx=(), signed=False)
    sold_at = expiry + timedelta(hours=spec.turn_hours)
    buyer = replace(spec.next_holder(), handle=spec.holder.handle)
    yield replace(first, starts_at=expiry, stage=Stage.GRACE)
    yield replace(first, starts_at=expiry + PARKED_AFTER, stage=Stage.PARKED, holder=parked)
    yield replace(first, starts_at=expiry + AUCTION_AFTER, stage=Stage.AUCTION, holder=parked)
    yield replace(first, starts_at=sold_at, holder=buyer, transferred_at=sold_at)


_TELLERS: dict[Story, Callable[[DomainSpec, Chapter], Iterator[Chapter]]] = {
    Story.LAPSE_AND_DROP: _lapse,
    Story.LAPSE_AND_RENEW: _lapse_and_renew,
    Story.DROP_AND_CATCH: _drop_and_catch,
    Story.AUCTION_SALE: _auction_sale,
}
