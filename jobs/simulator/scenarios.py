"""Named scenarios: takeovers told in full, as a domain and as the account that was lost through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.simulator.profiles import RULES
from jobs.simulator.replies import stamp
from jobs.simulator.specs import DomainSpec, Holder, Profile, Story

CTX_CAUGHT_AT = datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)
RESET_AFTER = timedelta(minutes=12, seconds=35)
MALWARE_AFTER = timedelta(minutes=38, seconds=31)
_DROPPED_BEFORE_HOURS = 0.05


@dataclass(frozen=True, slots=True)
class Takeover:
    """A domain caught after its drop, and what its new holder did. `account` is a line for the import."""

    spec: DomainSpec
    account: dict[str, Any]
    caught_at: datetime
    reset_at: datetime
    first_malicious_at: datetime


def ctx_scenario() -> Takeover:
    """Return what happened to ctx on PyPI in May 2022, to the second, under an invented domain.

    Registered anew 2022-05-14T18:40:05Z, password reset 18:52:40, first malicious file 19:18:36: 38 minutes.
    """
    verified_at = datetime(2014, 12, 15, 9, 30, tzinfo=UTC)
    return takeover("tidewren-forge.com", CTX_CAUGHT_AT, verified_at, "ctx")


def takeover(name: str, caught_at: datetime, verified_at: datetime, account_id: str) -> Takeover:
    """Tell the ctx story for the domain `name`, caught at `caught_at`, of an account verified at `verified_at`."""
    reset_at, first_malicious_at = caught_at + RESET_AFTER, caught_at + MALWARE_AFTER
    account = {
        "account_id": account_id,
        "username": name.partition("-")[0],
        "two_factor": False,
        "last_active_at": stamp(verified_at + timedelta(days=4)),
        "account_created_at": stamp(verified_at),
        "addresses": [_address(name, account_id, verified_at)],
        "packages": [_package(first_malicious_at)],
        "security_events": [{"kind": "password_reset", "at": stamp(reset_at)}],
    }
    return Takeover(_spec(name, caught_at, verified_at), account, caught_at, reset_at, first_malicious_at)


def _spec(name: str, caught_at: datetime, verified_at: datetime) -> DomainSpec:
    rules = RULES[Profile.GTLD]
    lapse = timedelta(days=rules.grace + rules.redemption + rules.pending_delete, hours=_DROPPED_BEFORE_HOURS)
    owner = Holder(
        registrar="Northgrid Names",
        iana_id=9901,
        handle="1894427_DOMAIN-SIM",
        ns=("ns1.northgrid-dns.net", "ns2.northgrid-dns.net"),
        mx=("mx1.mailharbor-mx.net",),
    )
    catcher = Holder(
        registrar="Quickcatch Registrations",
        iana_id=9907,
        handle="2696188_DOMAIN-SIM",
        ns=("ns1.otherhost-dns.net", "ns2.otherhost-dns.net"),
        mx=("mx.otherhost-dns.net",),
        address="198.51.100.7",
    )
    return DomainSpec(
        name=name,
        profile=Profile.GTLD,
        story=Story.DROP_AND_CATCH,
        created_at=verified_at - timedelta(days=400),
        expires_at=caught_at - lapse,
        holder=owner,
        successor=catcher,
        turn_hours=_DROPPED_BEFORE_HOURS,
    )


def _address(name: str, account_id: str, verified_at: datetime) -> dict[str, Any]:
    return {
        "address_id": f"{account_id}-1",
        "email": f"me@{name}",
        "verified": True,
        "verified_at": stamp(verified_at),
        "primary": True,
        "state_token": "v1",
    }


def _package(last_release_at: datetime) -> dict[str, Any]:
    return {
        "name": "tidectx",
        "purl": "pkg:pypi/tidectx",
        "role": "owner",
        "other_owners": 0,
        "critical": False,
        "downloads_30d": 27000,
        "last_release_at": stamp(last_release_at),
    }
