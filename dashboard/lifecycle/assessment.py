"""The classifier's answer, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dashboard.lifecycle.evidence import Phase


class Confidence(StrEnum):
    """How well the phase is borne out by the evidence."""

    CORROBORATED = "corroborated"
    SINGLE = "single"
    CONFLICTING = "conflicting"
    INSUFFICIENT = "insufficient"


class Recommendation(StrEnum):
    """What the rules advise; a person decides."""

    NONE = "none"
    WATCH = "watch"
    REVIEW = "review"
    UNVERIFY = "unverify"


class HolderChange(StrEnum):
    """What is known of a change of holder."""

    NONE = "none"
    DROPPED_AND_CAUGHT = "dropped_and_caught"
    SOLD = "sold_before_drop"
    UNPROVEN = "unproven"
    """An address may be older than the registration: nobody knows when it was verified."""
    UNKNOWN = "unknown"
    """The registry publishes no date and nothing was seen: says nothing, so it flags nothing."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A date the rules expect, with the sentence it rests on."""

    date: datetime
    basis: str


@dataclass(frozen=True, slots=True)
class Predicted:
    """The next steps of a lapsing domain, each None where nothing can be said."""

    redemption: Prediction | None = None
    pending_delete: Prediction | None = None
    drop: Prediction | None = None


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """What assess() needs of one verified address; times aware UTC, None where the source does not know.

    `first_verified_at` is the earliest verification known, when the address was re-verified since; `last_release_at`
    the newest release of a package that its account maintains.
    """

    address_id: str
    verified_at: datetime | None
    account_created_at: datetime | None = None
    first_verified_at: datetime | None = None
    last_release_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RegistrationPeriod:
    """One registration of a domain, from creation (or first sight) to its end; `ended_at` None: still running."""

    started_at: datetime
    ended_at: datetime | None = None
    registrar: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of a domain beyond its readings.

    `unregistered_seen_at`: when a status API or registry directory last reported `available` or `pending_delete`.
    `previous_phase`: the phase of the assessment before this one.
    """

    periods: tuple[RegistrationPeriod, ...] = ()
    unregistered_seen_at: datetime | None = None
    previous_phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class AddressRisk:
    """Whether one address was verified by somebody other than the present holder; None means unknowable.

    Of an unregistered domain every address is at risk: whoever registers it receives its mail. `is_unproven`: the
    source does not say when it was verified, and no other date settles it.
    """

    address_id: str
    at_risk: bool | None
    why: str
    is_unproven: bool = False


class Reliance(StrEnum):
    """What a domain relies on another for: taking its mail (MX), or serving its names (NS)."""

    MX = "mx"
    NS = "ns"


@dataclass(frozen=True, slots=True)
class LapsedDependency:
    """A domain that another relies on while it lapses, or after it changed hands; `since`: when that was."""

    domain: str
    kinds: tuple[Reliance, ...]
    phase: Phase
    holder_change: HolderChange
    since: datetime


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer from all current evidence, at one moment.

    `lapsed_at`: when the domain lapsed, or its present holder's time began after a change; what happened to the
    accounts since then weighs. None where there is neither, or nobody knows when.
    """

    domain: str
    assessed_at: datetime
    phase: Phase
    confidence: Confidence
    recommendation: Recommendation
    holder_change: HolderChange
    reasons: tuple[str, ...]
    registered_at: datetime | None = None
    expires_at: datetime | None = None
    registrar: str | None = None
    handle: str | None = None
    nameservers: tuple[str, ...] = ()
    predicted: Predicted = field(default_factory=Predicted)
    addresses: tuple[AddressRisk, ...] = ()
    lapsed_at: datetime | None = None
    lapsed_dependencies: tuple[LapsedDependency, ...] = ()

    @property
    def holder_changed(self) -> bool | None:
        """True: the holder changed; False: no sign of it; None: unknowable (no dates to compare)."""
        unknowable = {HolderChange.UNPROVEN, HolderChange.UNKNOWN}
        return None if self.holder_change in unknowable else self.holder_change is not HolderChange.NONE

    @property
    def flags(self) -> bool:
        """Whether a case must be open for this answer (redemption, pending delete, available, change of holder)."""
        return self.recommendation in {Recommendation.REVIEW, Recommendation.UNVERIFY}
