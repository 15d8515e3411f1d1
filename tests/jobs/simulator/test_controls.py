from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.specs import Story
from tests.jobs.simulator.helpers import Client, day, make_spec, talk

LAPSING = make_spec("lapsing.com")
STEADY = make_spec("steady.com", Story.STEADY)


def test_the_clock_can_be_moved_and_the_domains_follow() -> None:
    clock = SimulatedClock.standing(day(0))

    async def ask(client: Client) -> list[int]:
        statuses = [(await client.rdap("lapsing.com")).status_code]
        for move in ({"advance_seconds": 80 * 86400}, {"to": day(79).isoformat()}, {"speed": 0}):
            assert (await client.http.post("/control/clock", json=move)).status_code == 200
            statuses.append((await client.rdap("lapsing.com")).status_code)
        return statuses

    assert talk(ask, LAPSING, clock=clock) == [200, 404, 200, 200]
    assert clock.now() == day(79)


@pytest.mark.parametrize(
    "body",
    [
        {"to": "yesterday"},
        {"to": "2026-01-01T00:00:00"},
        {"hurry": 1},
        {"speed": "fast"},
        {"advance_seconds": 1e300},
        [],
    ],
)
def test_a_bad_move_is_refused_and_moves_nothing(body: Any) -> None:
    clock = SimulatedClock.standing(day(0))

    async def ask(client: Client) -> httpx.Response:
        return await client.http.post("/control/clock", json=body)

    reply = talk(ask, STEADY, clock=clock)
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert clock.now() == day(0)


def test_a_web_page_cannot_post_here() -> None:
    async def ask(client: Client) -> int:
        sent = await client.http.post(
            "/control/clock", content='{"speed": 5}', headers={"Content-Type": "text/plain"}
        )
        return sent.status_code

    assert talk(ask, STEADY) == 400


def test_faults_come_and_go_at_run_time() -> None:
    async def ask(client: Client) -> list[int]:
        statuses = []
        fault = {"provider": "rdap", "mode": 429, "pattern": "steady.com", "seconds": 3}
        for change in (client.http.post("/control/faults", json=fault), client.http.delete("/control/faults")):
            assert (await change).status_code == 200
            statuses.append((await client.rdap("steady.com")).status_code)
        assert (await client.get("/control/faults")).json() == {"faults": []}
        return statuses

    assert talk(ask, STEADY) == [429, 200]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"provider": "rdap"},
        {"provider": "dns", "mode": "html"},
        {"provider": "rdap", "mode": "slow", "x": 1},
        {"provider": "rdap", "mode": "slow", "seconds": "long"},
    ],
)
def test_a_bad_fault_is_refused(fault: dict[str, Any]) -> None:
    async def ask(client: Client) -> int:
        return (await client.http.post("/control/faults", json=fault)).status_code

    assert talk(ask, STEADY) == 400


def test_requests_are_counted_by_provider_and_name() -> None:
    async def ask(client: Client) -> Any:
        await client.rdap("steady.com")
        await client.rdap("steady.com")
        await client.fastly("nobody.com")
        await client.dns("mail.steady.com", "A")
        counted = (await client.get("/control/requests?domains=1")).json()
        await client.http.delete("/control/requests")
        return counted, (await client.get("/control/requests")).json()

    counted, after = talk(ask, STEADY)
    assert counted["rdap"] == {"total": 2, "domains": {"steady.com": 2}}
    assert counted["fastly"] == {"total": 1, "domains": {"nobody.com": 1}}
    assert counted["dns"] == {"total": 1, "domains": {"steady.com": 1}}
    assert after == {
        name: {"total": 0} for name in ("fastly", "domainr", "rdap", "registrar", "dns", "parents", "whois")
    }


def test_the_whole_truth_can_be_asked() -> None:
    async def ask(client: Client) -> list[Any]:
        replies = [await client.get(f"/control/state?domain={name}") for name in ("lapsing.com", "nobody.com")]
        return [reply.json() for reply in replies]

    lapsing, nobody = talk(ask, LAPSING, at=day(50))
    assert (lapsing["stage"], lapsing["story"]) == ("redemption", "lapse_and_drop")
    assert (nobody["stage"], nobody["story"]) == ("free", None)


def test_other_controls_do_not_exist() -> None:
    assert talk(lambda client: client.get("/control/everything"), STEADY).status_code == 404
