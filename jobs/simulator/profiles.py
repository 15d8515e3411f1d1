"""The life-cycle rules of the simulated domain registries, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobs.simulator.specs import Profile


@dataclass(frozen=True, slots=True)
class Rules:
    """How names lapse under one profile. Lengths are days, counted one after the other from the expiry.

    `grace`: until the registrar deletes, of which the last `dark` without DNS; then `redemption` and
    `pending_delete`, then anybody may register. Status words are RDAP's (RFC 8056).
    """

    grace: int
    dark: int
    redemption: int
    pending_delete: int
    redemption_status: tuple[str, ...] = ("redemption period",)
    lock_status: tuple[str, ...] = ("active",)
    registry_renews: bool = False
    shows_registration: bool = True
    shows_expiry: bool = True
    shows_registrar_expiry: bool = False
    shows_registrar: bool = True
    redemption_hides_events: bool = False


# gTLD: ICANN's ERRP and RFC 3915, the registry renews by itself at expiry. uk: suspended from day 30 and shown as
# pending delete although renewable until day 90. de: no expiry date, and the events vanish in its 30-day RGP.
# nl: 40 days of quarantine. fr: 30 days of redemption. undated (.ch, .li): no dates at all.
RULES: dict[Profile, Rules] = {
    Profile.GTLD: Rules(
        grace=45,
        dark=8,
        redemption=30,
        pending_delete=5,
        redemption_status=("pending delete", "redemption period"),
        lock_status=("client transfer prohibited",),
        registry_renews=True,
        shows_registrar_expiry=True,
    ),
    Profile.UK: Rules(grace=30, dark=0, redemption=60, pending_delete=5, redemption_status=("pending delete",)),
    Profile.DE: Rules(
        grace=0,
        dark=0,
        redemption=30,
        pending_delete=0,
        shows_registration=False,
        shows_expiry=False,
        shows_registrar=False,
        redemption_hides_events=True,
    ),
    Profile.NL: Rules(grace=0, dark=0, redemption=40, pending_delete=0, shows_expiry=False),
    Profile.FR: Rules(grace=45, dark=0, redemption=30, pending_delete=0, registry_renews=True),
    Profile.UNDATED: Rules(
        grace=0, dark=0, redemption=40, pending_delete=0, shows_registration=False, shows_expiry=False
    ),
}

_BY_TLD = {
    "uk": Profile.UK,
    "de": Profile.DE,
    "nl": Profile.NL,
    "fr": Profile.FR,
    "ch": Profile.UNDATED,
    "li": Profile.UNDATED,
}


def profile_of(name: str) -> Profile:
    """Return the profile that a name's TLD lives by; unlisted TLDs follow the gTLD rules."""
    return _BY_TLD.get(name.rpartition(".")[2], Profile.GTLD)


def years_later(moment: datetime, years: int) -> datetime:
    """Return the same day and time `years` later; 29 February becomes the 28th in common years."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def next_anniversary(anchor: datetime, now: datetime) -> datetime:
    """Return the first of `anchor`, `anchor` + 1 year, ... that lies after `now`."""
    if now < anchor:
        return anchor
    guess = years_later(anchor, now.year - anchor.year)
    return guess if guess > now else years_later(anchor, now.year - anchor.year + 1)
