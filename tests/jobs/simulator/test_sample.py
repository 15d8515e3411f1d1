from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from jobs.simulator.sample import ACCOUNTS, ADDRESSES, UNCHECKED_HOSTS, sample_accounts, sample_world
from jobs.simulator.sample_domains import (
    CROWDED_ADDRESSES,
    INTERNATIONAL,
    LAPSED_MAIL,
    LAPSING_NAMES,
    planned_domains,
)
from jobs.simulator.specs import DomainSpec, Story
from jobs.simulator.states import state_at
from jobs.simulator.stories import Stage
from jobs.simulator.world import DEMO_START, MAILBOX_PROVIDERS

LAPSED = {Stage.REDEMPTION, Stage.PENDING_DELETE, Stage.FREE, Stage.PENDING_RESTORE}


@cache
def accounts() -> list[dict[str, Any]]:
    return list(sample_accounts())


def addresses() -> list[dict[str, Any]]:
    return [address for account in accounts() for address in account["addresses"]]


def host(address: dict[str, Any]) -> str:
    return str(address["email"].rpartition("@")[2])


def troubled(now: datetime) -> set[str]:
    """Domains that are gone, going, or in other hands."""
    return {spec.name for spec in sample_world() if spec.story is not Story.NEVER_REGISTERED and _lost(spec, now)}


def _lost(spec: DomainSpec, now: datetime) -> bool:
    state = state_at(spec, now)
    caught = state.holder is not None and state.holder == spec.successor
    sold = spec.story is Story.AUCTION_SALE and state.transferred_at is not None
    return state.stage in LAPSED or caught or sold


def test_two_machines_get_the_same_sample() -> None:
    assert list(sample_accounts()) == accounts()
    assert planned_domains() == planned_domains()


def test_it_is_as_large_as_promised() -> None:
    hosts = {host(address) for address in addresses()}

    assert len(accounts()) == ACCOUNTS
    assert len(addresses()) == ADDRESSES
    assert 250 <= len(hosts) <= 270
    assert hosts.issuperset(UNCHECKED_HOSTS)
    assert hosts.issuperset(INTERNATIONAL)
    assert {"gmail.com", "outlook.com"} <= hosts
    assert all(len(account["addresses"]) in {1, 2} for account in accounts())


def test_ids_names_and_addresses_are_unique() -> None:
    for values in (
        [account["account_id"] for account in accounts()],
        [account["username"] for account in accounts()],
        [address["address_id"] for address in addresses()],
        [address["email"] for address in addresses()],
    ):
        assert max(Counter(values).values()) == 1


def test_a_queue_is_waiting_when_the_demo_begins_and_it_grows() -> None:
    at_start = troubled(DEMO_START)
    later = [len(troubled(DEMO_START + timedelta(days=days)) - at_start) for days in (7, 21, 45)]

    assert 25 <= len(at_start) <= 35
    assert later == sorted(later)
    assert later[0] >= 4
    assert later[2] >= 12


def test_every_story_is_told() -> None:
    assert {spec.story for spec in sample_world()} == set(Story)


def test_every_troubled_domain_has_a_verified_address_somewhere() -> None:
    verified = {host(address) for address in addresses() if address["verified"]}

    assert len(troubled(DEMO_START) & verified) >= 25


def test_one_lapsed_domain_carries_enough_addresses_to_type_their_number() -> None:
    crowded = planned_domains()[0].spec
    counted = [address for address in addresses() if host(address) == crowded.name]

    assert crowded.name in troubled(DEMO_START)
    assert len(counted) == CROWDED_ADDRESSES
    assert all(address["verified"] and address["verified_at"] for address in counted)


def test_addresses_were_verified_while_their_first_holder_had_the_domain() -> None:
    specs = {planned.host: planned.spec for planned in planned_domains()}
    for address in addresses():
        spec = specs.get(host(address))
        if spec and address["verified_at"]:
            assert spec.created_at < datetime.fromisoformat(address["verified_at"]) < spec.expires_at


def test_nothing_happened_after_the_demo_began() -> None:
    times = [event["at"] for account in accounts() for event in account["security_events"]]
    times += [account["last_active_at"] for account in accounts() if account["last_active_at"]]
    times += [package["last_release_at"] for account in accounts() for package in account["packages"]]

    assert max(times) <= "2026-11-01T08:00:00Z"


def test_someone_was_reset_after_a_catch() -> None:
    resets = [account for account in accounts() if "password_reset" in str(account["security_events"])]

    assert len(resets) >= 2
    assert all(isinstance(account["two_factor"], bool) for account in accounts())


def test_co_owners_are_counted() -> None:
    owners = Counter(package["purl"] for account in accounts() for package in account["packages"])

    for account in accounts():
        for package in account["packages"]:
            assert package["other_owners"] == owners[package["purl"]] - 1


def test_each_account_has_one_primary_address() -> None:
    assert all(sum(address["primary"] for address in account["addresses"]) == 1 for account in accounts())


def test_names_are_invented_but_for_the_mailbox_providers() -> None:
    own = {planned.host for planned in planned_domains()}

    assert {host(address) for address in addresses()} <= own | set(MAILBOX_PROVIDERS) | set(UNCHECKED_HOSTS)


def test_healthy_domains_with_addresses_rely_on_what_is_lost() -> None:
    specs = {spec.name: spec for spec in sample_world()}
    verified = {host(address) for address in addresses() if address["verified"]}
    leaning = {
        name: [
            planned for planned in planned_domains() if name in str((planned.spec.holder.mx, planned.spec.holder.ns))
        ]
        for name in (LAPSED_MAIL, LAPSING_NAMES)
    }

    assert [len(each) for each in leaning.values()] == [3, 2]
    assert all({planned.host for planned in each} & verified for each in leaning.values())
    assert {planned.spec.story for each in leaning.values() for planned in each} == {Story.STEADY}
    assert state_at(specs[LAPSED_MAIL], DEMO_START).stage is Stage.FREE
    assert state_at(specs[LAPSING_NAMES], DEMO_START).stage is Stage.GRACE
    assert state_at(specs[LAPSING_NAMES], DEMO_START + timedelta(days=10)).stage is Stage.REDEMPTION
