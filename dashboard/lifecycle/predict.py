"""When the next steps of a lapse are due, by top-level domain, with the rule each date rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.lifecycle.assessment import Predicted, Prediction
from dashboard.lifecycle.current import Current
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.facts import Registration, day

GTLD_GRACE, GTLD_REDEMPTION, GTLD_PENDING_DELETE = timedelta(days=45), timedelta(days=30), timedelta(days=5)
UK_REDEMPTION, UK_PENDING_DELETE, UK_DROP = timedelta(days=30), timedelta(days=90), timedelta(days=95)
QUARANTINE = {
    "nl": timedelta(days=40),
    "eu": timedelta(days=40),
    "fr": timedelta(days=30),
    "de": timedelta(days=30),
    "au": timedelta(days=30),
    "be": timedelta(days=40),
    "nz": timedelta(days=90),
}
"""Registries that delete from quarantine (redemption, expired hold) without a pending delete after it."""

RELEASED_AFTER = {
    "eu": QUARANTINE["eu"],
    "au": QUARANTINE["au"],
    "ru": timedelta(days=30),
    "su": timedelta(days=30),
    "xn--p1ai": timedelta(days=30),
}
"""Registries without a grace: the time from the expiry date (`paid-till`) to the release is known beforehand."""

LIKE_GTLD = frozenset({"io", "me", "ac", "sh", "tv", "cc", "us"})
"""Country codes that are run by a generic registry's rules."""


@dataclass(frozen=True, slots=True)
class _Lapse:
    """What a profile predicts from; `began_at`: since when the phase is known to last."""

    phase: Phase
    began_at: datetime
    facts: Registration


def predict(domain: str, phase: Phase, current: Current, facts: Registration) -> Predicted:
    """Predict what is still to come of a lapse that has begun; nothing is said of healthy or unknown domains.

    Of an available domain `drop` is the day it was first seen unregistered.
    """
    if phase not in {Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.AVAILABLE}:
        return Predicted()
    lapse = _Lapse(phase, _began_at(phase, current), facts)
    if phase is Phase.AVAILABLE:
        return Predicted(drop=Prediction(lapse.began_at, f"first seen unregistered on {day(lapse.began_at)}"))
    predicted = _profile(domain.rpartition(".")[2])(lapse)
    named = _named_release(phase, current)
    return predicted if named is None else replace(predicted, drop=named)


def _named_release(phase: Phase, current: Current) -> Prediction | None:
    """Return the day that the registry itself names for the release, which no rule of thumb knows better."""
    for answer in current.directory:
        released = answer.evidence.released_at
        if released is not None and answer.phase is phase:
            return Prediction(
                released, f"{answer.provider.value.upper()} names {day(released)} as the day of release"
            )
    return None


def _began_at(phase: Phase, current: Current) -> datetime:
    """Return the earliest sighting of the phase, or the registry's own date of the change where it fits."""
    said = [answer for answer in current.strong if answer.phase is phase]
    seen = min(answer.since({phase}) for answer in said)
    lasts = {Phase.REDEMPTION: GTLD_REDEMPTION, Phase.PENDING_DELETE: GTLD_PENDING_DELETE}.get(phase, timedelta(0))
    dated = [a.evidence.changed_at for a in said if a.evidence.changed_at]
    return max((d for d in dated if timedelta(0) <= seen - d <= lasts), default=seen)


def _profile(tld: str) -> Callable[[_Lapse], Predicted]:
    """Choose the rules of a top-level domain; an unknown country's are not guessed."""
    if tld == "uk":
        return _uk
    if tld in RELEASED_AFTER or tld in QUARANTINE:
        return _quarantined(tld)
    # Two letters are a country (ISO 3166); an internationalised one may be.
    is_generic = tld in LIKE_GTLD or (len(tld) > 2 and not tld.startswith("xn--"))
    return _gtld if is_generic else _nothing


def _nothing(_: _Lapse) -> Predicted:
    """Say nothing rather than guess."""
    return Predicted()


def _gtld(lapse: _Lapse) -> Predicted:
    """Predict by ICANN's rules (ERRP, RFC 3915): grace up to 45 days, redemption 30, pending delete 5."""
    if lapse.phase is Phase.PENDING_DELETE:
        basis = f"pending delete since {day(lapse.began_at)} at the latest, it lasts 5 days"
        return Predicted(drop=Prediction(lapse.began_at + GTLD_PENDING_DELETE, basis))
    if lapse.phase is Phase.REDEMPTION:
        basis = f"redemption since {day(lapse.began_at)} at the latest, it lasts 30 days, pending delete 5"
        pending = lapse.began_at + GTLD_REDEMPTION
        return Predicted(None, Prediction(pending, basis), Prediction(pending + GTLD_PENDING_DELETE, basis))
    expiry = lapse.facts.registrar_expires_at or lapse.facts.expires_at
    if expiry is None:
        return Predicted()
    basis = f"expired on {day(expiry)}: at the latest 45 days of grace, then redemption 30, pending delete 5"
    redemption = expiry + GTLD_GRACE
    pending = redemption + GTLD_REDEMPTION
    drop = pending + GTLD_PENDING_DELETE
    return Predicted(Prediction(redemption, basis), Prediction(pending, basis), Prediction(drop, basis))


def _uk(lapse: _Lapse) -> Predicted:
    """Predict by Nominet's calendar, which counts everything from the expiry date."""
    expiry = lapse.facts.expires_at
    if expiry is None:
        return Predicted()
    basis = f"expired on {day(expiry)}: .uk suspends after 30 days, can be renewed until day 90, is dropped by day 95"
    redemption, pending = Prediction(expiry + UK_REDEMPTION, basis), Prediction(expiry + UK_PENDING_DELETE, basis)
    drop = Prediction(expiry + UK_DROP, basis)
    if lapse.phase is Phase.PENDING_DELETE:
        return Predicted(drop=drop)
    return Predicted(redemption if lapse.phase is Phase.AUTO_RENEW_GRACE else None, pending, drop)


def _quarantined(tld: str) -> Callable[[_Lapse], Predicted]:
    """Predict the drop at the end of a quarantine; where there is a grace, its end is the registrar's choice."""

    def profile(lapse: _Lapse) -> Predicted:
        expiry, after = lapse.facts.expires_at, RELEASED_AFTER.get(tld)
        # A lapse that was seen to begin after its own end counts from another date than the one published.
        if expiry is not None and after is not None and expiry + after > lapse.began_at:
            basis = f"expired on {day(expiry)}: under .{tld} released {after.days} days later"
            return Predicted(drop=Prediction(expiry + after, basis))
        lasts = QUARANTINE.get(tld)
        if lasts is None or lapse.phase is Phase.AUTO_RENEW_GRACE:
            return Predicted()
        since = day(lapse.began_at)
        basis = f"in quarantine since {since} at the latest, it lasts {lasts.days} days under .{tld}"
        return Predicted(drop=Prediction(lapse.began_at + lasts, basis))

    return profile
