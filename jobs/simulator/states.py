"""`state_at()`: what is true of a domain at a moment, as the domain registry and a resolver would show it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from jobs.simulator.profiles import RULES, Rules, next_anniversary, years_later
from jobs.simulator.specs import Breakage, DomainSpec, Holder, Profile
from jobs.simulator.stories import Chapter, Stage, chapters

AUTO_RENEW_PERIOD = timedelta(days=45)
ADD_PERIOD = timedelta(days=5)
IN_ZONE = frozenset({Stage.ACTIVE, Stage.GRACE, Stage.PARKED, Stage.AUCTION})


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain at one moment. Dates that the profile's registry does not publish are None already.

    `statuses` are RDAP words (RFC 8056), `rcode` what a resolver answers (NOERROR, NXDOMAIN, SERVFAIL, REFUSED,
    TIMEOUT). `holder` is None exactly when the name is not registered.
    """

    name: str
    profile: Profile
    stage: Stage
    since: datetime | None
    statuses: tuple[str, ...] = ()
    registered_at: datetime | None = None
    changed_at: datetime | None = None
    transferred_at: datetime | None = None
    expires_at: datetime | None = None
    registrar_expires_at: datetime | None = None
    holder: Holder | None = None
    shows_registrar: bool = True
    rcode: str = "NXDOMAIN"

    @property
    def registered(self) -> bool:
        """Whether the domain registry knows the name."""
        return self.holder is not None

    @property
    def zone(self) -> str:
        """The public suffix: everything after the first label."""
        return self.name.partition(".")[2]


def free(name: str, profile: Profile = Profile.GTLD, since: datetime | None = None) -> DomainState:
    """Return the state of a name that nobody holds."""
    return DomainState(name=name, profile=profile, stage=Stage.FREE, since=since)


_chapters = lru_cache(maxsize=4096)(chapters)


def state_at(spec: DomainSpec, now: datetime) -> DomainState:
    """Return the state of `spec` at the domain time `now`; before its creation nobody holds it."""
    story = _chapters(spec)
    index = bisect_right(story, now, key=lambda chapter: chapter.starts_at) - 1
    if index < 0 or story[index].stage is Stage.FREE:
        return free(spec.name, spec.profile, story[index].starts_at if index >= 0 else None)
    return _registered(spec, story[index], now)


def _registered(spec: DomainSpec, chapter: Chapter, now: datetime) -> DomainState:
    rules = RULES[spec.profile]
    hidden = rules.redemption_hides_events and chapter.stage not in IN_ZONE
    expiry, paid_until, changed_at = _dates(rules, chapter, now)
    return DomainState(
        name=spec.name,
        profile=spec.profile,
        stage=chapter.stage,
        since=chapter.starts_at,
        statuses=_statuses(spec, rules, chapter, now),
        registered_at=chapter.registered_at if rules.shows_registration and not hidden else None,
        changed_at=None if hidden or spec.profile is Profile.UNDATED else changed_at,
        transferred_at=chapter.transferred_at if rules.shows_registration else None,
        expires_at=expiry if rules.shows_expiry else None,
        registrar_expires_at=paid_until if rules.shows_registrar_expiry else None,
        holder=chapter.holder,
        shows_registrar=rules.shows_registrar,
        rcode=_rcode(spec, chapter, now),
    )


def _dates(rules: Rules, chapter: Chapter, now: datetime) -> tuple[datetime, datetime, datetime]:
    """Return the registry's expiry, the registrar's, and the last change.

    A name in good standing is paid for at every anniversary; in a lapse only a registry that renews by itself
    moves its own date on, which is why a date in the future proves nothing.
    """
    if chapter.stage is not Stage.ACTIVE:
        registry = years_later(chapter.paid_until, 1) if rules.registry_renews else chapter.paid_until
        return registry, chapter.paid_until, chapter.starts_at
    if not rules.shows_expiry:
        return chapter.paid_until, chapter.paid_until, chapter.starts_at
    paid_until = next_anniversary(chapter.paid_until, now)
    renewed_at = years_later(paid_until, -1) if now >= chapter.paid_until else chapter.starts_at
    return paid_until, paid_until, max(chapter.starts_at, renewed_at)


def _statuses(spec: DomainSpec, rules: Rules, chapter: Chapter, now: datetime) -> tuple[str, ...]:
    match chapter.stage:
        case Stage.REDEMPTION if spec.zone in {"com", "net"}:
            return ("redemption period",)  # thin registries show the RGP word alone
        case Stage.REDEMPTION:
            return rules.redemption_status
        case Stage.PENDING_RESTORE:
            return ("pending delete", "pending restore")
        case Stage.PENDING_DELETE:
            return ("pending delete",)
        case Stage.DARK:
            return (*rules.lock_status, "client hold", "auto renew period")
        case _:
            return rules.lock_status + _periods(rules, chapter, now)


def _periods(rules: Rules, chapter: Chapter, now: datetime) -> tuple[str, ...]:
    """Return the grace periods of RFC 3915 that run: names in good standing carry `auto renew period` too."""
    if not rules.shows_registrar_expiry:
        return ()
    if now - chapter.registered_at < ADD_PERIOD:
        return ("add period",)
    if now < chapter.paid_until:
        return ()
    renewed_at = years_later(next_anniversary(chapter.paid_until, now), -1)
    return ("auto renew period",) if now - renewed_at < AUTO_RENEW_PERIOD else ()


_SEEN_AS = {
    Breakage.SERVFAIL: "SERVFAIL",
    Breakage.LAME: "REFUSED",
    Breakage.NXDOMAIN: "NXDOMAIN",
    Breakage.TIMEOUT: "TIMEOUT",
}


def _rcode(spec: DomainSpec, chapter: Chapter, now: datetime) -> str:
    trouble = spec.trouble
    if trouble and trouble.starts_at <= now < trouble.starts_at + timedelta(hours=trouble.hours):
        return _SEEN_AS[trouble.seen_as]
    return "NOERROR" if chapter.stage in IN_ZONE else "NXDOMAIN"
