"""Early warning: a domain that runs out, or has begun to, while its addresses can still be replaced in peace.

It changes nothing and accuses nobody: a source may ask its user for a second address before anything is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.lifecycle.assessment import Assessment, Confidence
from dashboard.lifecycle.current import LOST, Current, current
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider, Reading
from dashboard.lifecycle.facts import SLACK, Registration, registration
from dashboard.lifecycle.mail_and_names import is_parked

AHEAD = timedelta(days=45)
"""So long before the expiry the warning is given."""
GRACE = timedelta(days=45)
"""A registry renews its own date at expiry; for so long that proves nothing."""


class WarningKind(StrEnum):
    """Why a source is warned."""

    EXPIRES_SOON = "expires_soon"
    IN_GRACE = "in_grace"
    DARK_IN_REDEMPTION = "dark_in_redemption"


@dataclass(frozen=True, slots=True)
class Warned:
    """Why, and the expiry it is about (None where no registry tells)."""

    kind: WarningKind
    expires_at: datetime | None


class Ending(StrEnum):
    """How a warning ended."""

    RENEWED = "renewed"
    LOST = "lost"


def early_warning(assessment: Assessment, readings: Sequence[Reading], now: datetime) -> Warned | None:
    """Return why the domain's addresses should be warned of now, or None.

    Expiry within 45 days, in grace, or in redemption with its DNS parked or gone. Never where the evidence conflicts
    or a change of holder is suspected: whoever would be warned may be the new holder.
    """
    if assessment.holder_changed or assessment.confidence is Confidence.CONFLICTING:
        return None
    seen = current(assessment.domain, readings, now)
    expires_at = expiry(registration(seen, assessment.phase))
    if assessment.phase is Phase.ACTIVE and expires_at and now < expires_at <= now + AHEAD:
        return Warned(WarningKind.EXPIRES_SOON, expires_at)
    if assessment.phase is Phase.AUTO_RENEW_GRACE:
        return Warned(WarningKind.IN_GRACE, expires_at)
    if assessment.phase is Phase.REDEMPTION and _is_dark(seen):
        return Warned(WarningKind.DARK_IN_REDEMPTION, expires_at)
    return None


def warning_ended(
    began_with: datetime | None, assessment: Assessment, readings: Sequence[Reading], now: datetime
) -> Ending | None:
    """Return how a warning that began with the expiry `began_with` has ended, or None while it runs.

    A new date ends it when it came before the old one was over, when the registrar gives one too, or 45 days after:
    at the expiry itself registries move their date by a year, paid for or not. Without dates the phase alone speaks.
    """
    if assessment.phase in LOST or assessment.holder_changed:
        return Ending.LOST
    if assessment.phase is not Phase.ACTIVE:
        return None
    facts = registration(current(assessment.domain, readings, now), assessment.phase)
    expires_at = expiry(facts)
    if began_with is None or expires_at is None:
        return Ending.RENEWED if began_with is None or now > began_with + GRACE else None
    if expires_at <= began_with + SLACK or expires_at <= now + AHEAD:
        return None
    proven = now < began_with or facts.registrar_expires_at is not None or now > began_with + GRACE
    return Ending.RENEWED if proven else None


def expiry(facts: Registration) -> datetime | None:
    """Return the earlier of the registry's and the registrar's date: only that one was paid for."""
    return min((date for date in (facts.registrar_expires_at, facts.expires_at) if date), default=None)


def _is_dark(seen: Current) -> bool:
    """Whether mail can no longer arrive as before: no delegation, a host for expired names, or parked by status."""
    found = [answer.evidence for answer in seen.answers]
    return any(_is_gone(evidence) or "parked" in evidence.statuses for evidence in found) or any(
        is_parked(evidence.nameservers) for evidence in found
    )


def _is_gone(evidence: Evidence) -> bool:
    return evidence.provider is Provider.DNS and evidence.outcome is Outcome.NOT_FOUND
