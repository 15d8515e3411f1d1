"""What the simulator is told of one domain, and how that is kept in a file: one JSON object a line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson


class Profile(StrEnum):
    """Whose rules the name lives by; `profiles.RULES` holds them."""

    GTLD = "gtld"
    UK = "uk"
    DE = "de"
    NL = "nl"
    FR = "fr"
    UNDATED = "undated"


class Story(StrEnum):
    """What becomes of the name around `DomainSpec.expires_at`."""

    STEADY = "steady"
    LAPSE_AND_DROP = "lapse_and_drop"
    LAPSE_AND_RENEW = "lapse_and_renew"
    DROP_AND_CATCH = "drop_and_catch"
    AUCTION_SALE = "auction_sale"
    REGISTRAR_OUTAGE = "registrar_outage"
    DNS_ONLY_BREAKAGE = "dns_only_breakage"
    NEVER_REGISTERED = "never_registered"


class Breakage(StrEnum):
    """What a resolver sees while a name's DNS is in trouble."""

    SERVFAIL = "servfail"
    LAME = "refused"
    NXDOMAIN = "nxdomain"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a name, and where its DNS and mail go. `mx` in order of preference; `"."` is RFC 7505's null MX."""

    registrar: str
    iana_id: int
    handle: str
    ns: tuple[str, ...]
    mx: tuple[str, ...]
    address: str | None = "192.0.2.25"
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A time in which the name's DNS misbehaves while its registration is untouched."""

    starts_at: datetime
    hours: float
    seen_as: Breakage


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """One domain of the simulated world; `name` in A-label form, all times aware UTC.

    `expires_at` is the end of the paid term at which the story turns (a steady name renews at every anniversary).
    `turn_hours` counts from the expiry to the renewal or to the hand-over after an auction, and from the drop to
    the catch. `grace_days` is how long this registrar waits before it deletes, where the profile leaves it a choice.
    Without a `successor` a dropped name is caught by its former holder, under a new handle.
    """

    name: str
    profile: Profile
    story: Story
    created_at: datetime
    expires_at: datetime
    holder: Holder
    successor: Holder | None = None
    turn_hours: float = 0.0
    grace_days: int | None = None
    trouble: Trouble | None = None

    @property
    def zone(self) -> str:
        """The public suffix the name stands under: everything after its first label."""
        return self.name.partition(".")[2]

    def next_holder(self) -> Holder:
        """Who holds the name after its catch or its sale."""
        return self.successor or replace(self.holder, handle=self.holder.handle.replace("_", "R_", 1))


def dump_spec(spec: DomainSpec) -> bytes:
    """Return `spec` as one line of the world file, without the line end."""
    return orjson.dumps(asdict(spec))


def load_spec(line: bytes | str) -> DomainSpec:
    """Read one line of a world file; `ValueError`, `KeyError` or `TypeError` when it is not a spec."""
    raw: dict[str, Any] = orjson.loads(line)
    raw.update(
        profile=Profile(raw["profile"]),
        story=Story(raw["story"]),
        created_at=_time(raw["created_at"]),
        expires_at=_time(raw["expires_at"]),
        holder=_holder(raw["holder"]),
        successor=raw.get("successor") and _holder(raw["successor"]),
        trouble=raw.get("trouble") and _trouble(raw["trouble"]),
    )
    return DomainSpec(**raw)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _holder(raw: dict[str, Any]) -> Holder:
    return Holder(**{**raw, "ns": tuple(raw["ns"]), "mx": tuple(raw["mx"])})


def _trouble(raw: dict[str, Any]) -> Trouble:
    return Trouble(_time(raw["starts_at"]), raw["hours"], Breakage(raw["seen_as"]))
