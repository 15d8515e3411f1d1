"""From one provider's words to a phase. Careful by design: whatever is not clear is UNKNOWN, which never flags."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from dashboard.lifecycle.evidence import Delegation, Phase, Rcode

AUTO_RENEW_GRACE = timedelta(days=45)
"""The longest auto-renew grace of a gTLD (RFC 3915, ICANN's registry agreements)."""

UK_SUSPENDED, UK_RENEWABLE, UK_DROPPED = timedelta(days=30), timedelta(days=90), timedelta(days=95)
"""Nominet: suspended from day 30 after expiry, renewable by the holder until day 90, whatever the status says."""

_NEVER_REGISTRABLE = frozenset({"reserved", "claimed", "dpml", "disallowed"})
_NO_ANSWER = frozenset({"unknown", "invalid", "pending"})
_NOT_A_DOMAIN = frozenset({"suffix", "zone", "tld"})
_REGISTERED = frozenset({"active", "parked", "marketed", "transferable"})


def phase_from_status_api(statuses: Collection[str]) -> Phase:
    """Read a status API's words (Fastly, Domainr) as a *set*: the documented order does not hold in real replies.

    Contradictions (`inactive active`) and best-effort answers (`unknown`, `undelegated` alone) are UNKNOWN.
    """
    words = {word.strip().lower() for status in statuses for word in status.split()}
    rules = (
        (bool(words & _NO_ANSWER), Phase.UNKNOWN),
        (bool(words & _NEVER_REGISTRABLE), Phase.RESERVED),
        ("inactive" in words and bool(words & (_REGISTERED | _NOT_A_DOMAIN)), Phase.UNKNOWN),
        ("deleting" in words, Phase.PENDING_DELETE),
        ("expiring" in words, Phase.REDEMPTION),
        ("inactive" in words, Phase.AVAILABLE),
    )
    return next((phase for applies, phase in rules if applies), None) or _registered_phase(words)


def _registered_phase(words: set[str]) -> Phase:
    """Tell a working registration from one that is not in DNS."""
    if "undelegated" not in words:
        return Phase.ACTIVE if words & _REGISTERED else Phase.UNKNOWN
    if "active" not in words:
        # A slow look-up ends in a bare `undelegated`, and a sale listing outlives what it lists.
        return Phase.UNKNOWN
    # Parking for sale leaves names undelegated in good health; otherwise the name was taken out of DNS.
    return Phase.ACTIVE if "marketed" in words else Phase.HOLD


def epp_word(status: str) -> str:
    """Normalise a status to RDAP's spelling: `redemptionPeriod https://icann.org/epp#..` -> `redemption period`."""
    parts = [part for part in status.strip().split() if "://" not in part and not part.startswith("(")]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", " ".join(parts))
    return " ".join(re.split(r"[\s_-]+", spaced.lower().strip(" .,;")))


def phase_from_epp(
    statuses: Collection[str],
    *,
    expires_at: datetime | None,
    registrar_expires_at: datetime | None,
    now: datetime,
    tld: str,
) -> Phase:
    """Read the statuses of a *found* registration, as RDAP words (RFC 8056) or EPP names (RFC 5731, 3915).

    Precedence: pending restore, redemption, pending delete, auto-renew grace, hold, inactive, active. RFC 3915 keeps
    `pendingDelete` set throughout redemption, hence redemption first. An object without any status is registered.
    """
    words = {epp_word(status) for status in statuses}
    if "pending restore" in words:
        return Phase.PENDING_RESTORE
    if words & {"redemption period", "redemption", "quarantine", "in quarantine", "pending delete restorable"}:
        return Phase.REDEMPTION
    if words & {"pending delete", "pending delete scheduled for release"}:
        return Phase.REDEMPTION if renewable_in_uk(tld, expires_at, now) else Phase.PENDING_DELETE
    return _registered_in_epp(words, expires_at, registrar_expires_at, now, tld)


def _registered_in_epp(
    words: set[str], expires_at: datetime | None, registrar_expires_at: datetime | None, now: datetime, tld: str
) -> Phase:
    """Tell what the dates and the holds say of a name that no status sends on its way out."""
    if _suspended_in_uk(tld, expires_at, now):
        return Phase.REDEMPTION
    if _in_grace(words, expires_at, registrar_expires_at, now):
        return Phase.AUTO_RENEW_GRACE
    # EPP's `inactive` is a registration without name servers: not published, like a hold.
    if words & {"client hold", "server hold", "hold", "inactive"}:
        return Phase.HOLD
    return Phase.RESERVED if "reserved" in words else Phase.ACTIVE


def renewable_in_uk(name: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a `pending delete` of `name` (a domain or TLD) may still be renewed; without a date, assume so."""
    return _is_uk(name) and (expires_at is None or now < expires_at + UK_RENEWABLE)


def _suspended_in_uk(name: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether the date alone says that a .uk name is suspended; past the calendar's end a date says nothing."""
    return _is_uk(name) and expires_at is not None and UK_SUSPENDED <= now - expires_at <= UK_DROPPED


def _is_uk(name: str) -> bool:
    return name.lower().rstrip(".").rpartition(".")[2] == "uk"


def _in_grace(
    words: set[str], expires_at: datetime | None, registrar_expires_at: datetime | None, now: datetime
) -> bool:
    """Whether the holder's term ran out although the registry still lists the name as registered.

    `auto renew period` alone proves nothing (every healthy name carries it for 45 days): the registrar's own date
    must be behind. Where a registry does not renew by itself (.uk), its own date behind says the same.
    """
    if registrar_expires_at is not None:
        behind = now - registrar_expires_at
        if behind < timedelta(0):
            return False
        # A registrar's own server knows no other date; a registry that renews by itself is a year ahead.
        ahead = expires_at is None or expires_at - registrar_expires_at > timedelta(days=300)
        if "auto renew period" in words or (ahead and behind <= AUTO_RENEW_GRACE):
            return True
    # An older date is a field nobody maintains, not a term that ran out.
    return expires_at is not None and timedelta(0) <= now - expires_at <= UK_RENEWABLE


def phase_from_delegation(delegation: Delegation, nameservers: Collection[str] | None = None) -> Phase:
    """Read what the parent's servers say; a weak witness, since it also follows from a hold or a missing NS set.

    `nameservers`: the NS set where it is known; an empty one says NOERROR without delegation. Only NXDOMAIN points
    to AVAILABLE (so that it can corroborate); SERVFAIL, REFUSED and a time-out are trouble, never a lapse.
    """
    if delegation.rcode is Rcode.NXDOMAIN:
        return Phase.AVAILABLE
    if delegation.rcode is not Rcode.NOERROR:
        return Phase.UNKNOWN
    # An address without NS proves nothing: some top-level domains answer for every name.
    return Phase.UNKNOWN if nameservers is not None and not nameservers else Phase.ACTIVE
