"""A sample registry for the demo: 400 accounts with 520 addresses, and the world their domains live in.

Everything is drawn from fixed seeds, so two machines see the same story. Names of people, packages and domains are
invented; the large mailbox providers are called what they are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from jobs.simulator.replies import stamp
from jobs.simulator.sample_domains import Planned, demo_takeover, planned_domains, relied_on
from jobs.simulator.sample_packages import packages_by_account
from jobs.simulator.sample_words import FIRST_NAMES, LAST_NAMES
from jobs.simulator.specs import DomainSpec, Story
from jobs.simulator.states import state_at
from jobs.simulator.world import DEMO_START, MAILBOX_PROVIDERS, World

ACCOUNTS = 400
ADDRESSES = 520

# Hosts that are stored and never checked: special-use names, an IP literal, a bare public suffix.
UNCHECKED_HOSTS = ("localhost", "build.invalid", "ci.test", "[192.0.2.44]", "co.uk", "printer.local")

_MAILBOX_WEIGHTS = (60, 2, 12, 6, 8, 5, 4, 2, 1)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place for one address."""

    host: str
    spec: DomainSpec | None
    crowded: bool = False


def sample_world() -> World:
    """Return the world of the sample's domains."""
    return World([*(planned.spec for planned in planned_domains()), *relied_on()])


def sample_accounts() -> Iterator[dict[str, Any]]:
    """Yield the sample's accounts, each a line for `lapsewatch import accounts`."""
    random = Random("lapsewatch sample accounts")
    hands = _deal(random)
    packages = packages_by_account(random, [_interest(hand) for hand in hands])
    yield demo_takeover().account
    address_number = 0
    for number, (hand, owned) in enumerate(zip(hands, packages, strict=True), 1):
        yield _account(random, number, hand, owned, address_number)
        address_number += len(hand)


def _deal(random: Random) -> list[list[_Slot]]:
    """Give every account one address, and a second or third one to some."""
    slots = _slots(random)
    hands = [[slot] for slot in slots[: ACCOUNTS - 1]]
    for slot, hand in zip(slots[ACCOUNTS - 1 :], random.sample(hands, len(slots) - len(hands)), strict=True):
        hand.append(slot)
    return hands


def _slots(random: Random) -> list[_Slot]:
    own = [slot for planned in planned_domains() for slot in _slots_of(planned)]
    special = [_Slot(host, None) for host in UNCHECKED_HOSTS]
    missing = ADDRESSES - 1 - len(own) - len(special)
    mailboxes = [_Slot(host, None) for host in random.choices(MAILBOX_PROVIDERS, _MAILBOX_WEIGHTS, k=missing)]
    slots = [*own, *special, *mailboxes]
    random.shuffle(slots)
    return slots


def _slots_of(planned: Planned) -> list[_Slot]:
    crowded = planned.addresses > 10
    return [_Slot(planned.host, planned.spec, crowded)] * planned.addresses


def _interest(hand: list[_Slot]) -> int:
    """Return how likely an account is to own packages: lapsing domains without any would be a dull demo."""
    return 3 if any(slot.spec and slot.spec.story is not Story.STEADY for slot in hand) else 1


def _account(
    random: Random, number: int, hand: list[_Slot], packages: list[dict[str, Any]], address_number: int
) -> dict[str, Any]:
    created_at = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(10 * 365 * 86400))
    active_at = max(created_at, DEMO_START - timedelta(days=random.expovariate(1 / 200)))
    username = f"{random.choice(FIRST_NAMES)}-{random.choice(LAST_NAMES)}-{number}"
    locals_ = (username.replace("-", "."), f"{username}-second")
    addresses = [
        _address(random, slot, locals_[place - 1], created_at, f"e-{address_number + place:05}")
        for place, slot in enumerate(hand, 1)
    ]
    next(iter([item for item in addresses if item["verified"]] or addresses))["primary"] = True
    return {
        "account_id": f"a-{number:04}",
        "username": username,
        "two_factor": random.random() < 0.45,
        "last_active_at": None if random.random() < 0.1 else stamp(active_at),
        "account_created_at": stamp(created_at),
        "addresses": addresses,
        "packages": packages,
        "security_events": _security_events(random, hand, active_at),
    }


def _address(random: Random, slot: _Slot, local: str, created_at: datetime, address_id: str) -> dict[str, Any]:
    never = slot.spec is not None and slot.spec.story is Story.NEVER_REGISTERED
    verified = not never and (slot.crowded or random.random() < 0.93)
    dated = verified and (slot.crowded or random.random() < 0.92)
    return {
        "address_id": address_id,
        "email": f"{local}@{slot.host}",
        "verified": verified,
        "verified_at": stamp(_verified_at(random, slot.spec, created_at)) if dated else None,
        "primary": False,
        "state_token": f"{random.getrandbits(48):012x}",
    }


def _verified_at(random: Random, spec: DomainSpec | None, created_at: datetime) -> datetime:
    """Return a time at which the first holder had the domain and the account existed."""
    first = max(created_at, spec.created_at + timedelta(days=30)) if spec else created_at
    last = min(spec.expires_at, DEMO_START) - timedelta(days=60) if spec else DEMO_START
    return first + (last - first) * random.random()


def _security_events(random: Random, hand: list[_Slot], active_at: datetime) -> list[dict[str, str]]:
    events = [("login", active_at - timedelta(days=day)) for day in range(random.randrange(3))]
    for slot in hand:
        caught_at = _caught_at(slot.spec)
        if caught_at and random.random() < 0.5:
            asked_at = caught_at + (DEMO_START - caught_at) * random.uniform(0.01, 0.3)
            events += [("password_reset_requested", asked_at), ("password_reset", asked_at + timedelta(minutes=4))]
    return [{"kind": kind, "at": stamp(at)} for kind, at in sorted(events, key=lambda event: event[1])]


def _caught_at(spec: DomainSpec | None) -> datetime | None:
    """Return when another holder got the domain, if that happened before the demo begins."""
    if spec is None or spec.successor is None:
        return None
    state = state_at(spec, DEMO_START)
    return state.since if state.holder and state.holder.registrar == spec.successor.registrar else None
