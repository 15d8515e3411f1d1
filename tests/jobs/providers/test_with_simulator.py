"""The clients against the simulator: what a domain's life looks like, and what each way of failing becomes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dashboard.config import parse_endpoint
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider
from jobs.providers.panel import open_panel
from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import Fault, FaultTable, Mode
from jobs.simulator.faults import Provider as Simulated
from jobs.simulator.server import running
from jobs.simulator.specs import Story
from jobs.simulator.world import World
from tests.jobs.providers.helpers import PATIENCE, SHORT, settings_for
from tests.jobs.simulator.helpers import CREATED, OWNER, day, make_spec

NAME = "brelwick-labs.com"
SILENT = {Mode.SLOW, Mode.TIMEOUT}


def readings(
    tmp_path: Path, days: float, *faults: Fault, story: Story = Story.LAPSE_AND_DROP
) -> dict[Provider, Evidence]:
    """Ask about one domain, so many days after its expiry."""

    async def run() -> dict[Provider, Evidence]:
        clock = SimulatedClock.standing(day(days))
        async with running(World([make_spec(NAME, story)]), clock, None, FaultTable(*faults)) as endpoints:
            settings = settings_for(
                tmp_path,
                fastly_url=endpoints.fastly_url,
                fastly_key="any key",
                rdap_bootstrap_url=endpoints.rdap_bootstrap_url,
                dns_resolver=endpoints.dns,
                dns_parent_port=parse_endpoint(endpoints.parents)[1],
                allowed_endpoints=frozenset({parse_endpoint(endpoints.http), parse_endpoint(endpoints.parents)}),
                provider_timeout=SHORT if any(fault.mode in SILENT for fault in faults) else PATIENCE,
            )
            async with open_panel(settings) as panel:
                replies = await panel.ask(NAME, clock.now())
        return {reply.evidence.provider: reply.evidence for reply in replies}

    return asyncio.run(run())


def test_a_working_domain_is_read_alike_by_all(tmp_path: Path) -> None:
    found = readings(tmp_path, -100)
    assert {evidence.phase for evidence in found.values()} == {Phase.ACTIVE}
    rdap = found[Provider.RDAP]
    assert (rdap.registered_at, rdap.registrar, rdap.handle) == (CREATED, OWNER.registrar, OWNER.handle)
    assert rdap.expires_at == day(0)
    assert rdap.nameservers == found[Provider.DNS].nameservers == tuple(sorted(OWNER.ns))


@pytest.mark.parametrize(
    ("days", "phase"), [(50, Phase.REDEMPTION), (78, Phase.PENDING_DELETE), (120, Phase.AVAILABLE)]
)
def test_a_lapse_is_seen_by_registry_and_status_api(tmp_path: Path, days: float, phase: Phase) -> None:
    found = readings(tmp_path, days)
    assert found[Provider.RDAP].phase is phase
    assert found[Provider.FASTLY].phase is phase
    assert found[Provider.DNS].outcome is Outcome.NOT_FOUND


def test_a_caught_domain_shows_its_new_registration(tmp_path: Path) -> None:
    caught = readings(tmp_path, 150, story=Story.DROP_AND_CATCH)[Provider.RDAP]
    assert caught.phase is Phase.ACTIVE
    assert caught.registered_at is not None
    assert caught.registered_at > day(60)
    assert caught.handle != OWNER.handle


@pytest.mark.parametrize(
    ("simulated", "provider"), [(Simulated.FASTLY, Provider.FASTLY), (Simulated.RDAP, Provider.RDAP)]
)
@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (Mode.SLOW, ErrorKind.TIMEOUT),
        (Mode.THROTTLED, ErrorKind.THROTTLED),
        (Mode.BROKEN, ErrorKind.SERVER_ERROR),
        (Mode.HTML, ErrorKind.MALFORMED),
        (Mode.TRUNCATED, ErrorKind.MALFORMED),
        (Mode.WRONG_DOMAIN, ErrorKind.WRONG_DOMAIN),
        (Mode.DROP, ErrorKind.CONNECTION),
    ],
)
def test_every_way_to_fail_over_http_is_a_typed_error_and_no_phase(
    tmp_path: Path, simulated: Simulated, provider: Provider, mode: Mode, error: ErrorKind
) -> None:
    found = readings(tmp_path, 50, Fault(simulated, mode, NAME))
    assert found[provider].error is error
    assert (found[provider].outcome, found[provider].phase) == (Outcome.ERROR, Phase.UNKNOWN)
    assert found[Provider.DNS].outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (Mode.SERVFAIL, ErrorKind.SERVER_ERROR),
        (Mode.REFUSED, ErrorKind.REFUSED),
        (Mode.TIMEOUT, ErrorKind.TIMEOUT),
        (Mode.SLOW, ErrorKind.TIMEOUT),
    ],
)
def test_trouble_in_dns_is_a_typed_error_and_no_phase(tmp_path: Path, mode: Mode, error: ErrorKind) -> None:
    dns = readings(tmp_path, -100, Fault(Simulated.DNS, mode))[Provider.DNS]
    assert (dns.error, dns.phase) == (error, Phase.UNKNOWN)


def test_a_dns_reply_cut_short_over_udp_arrives_whole_over_tcp(tmp_path: Path) -> None:
    dns = readings(tmp_path, -100, Fault(Simulated.DNS, Mode.TRUNCATED))[Provider.DNS]
    assert dns.nameservers == tuple(sorted(OWNER.ns))


@pytest.mark.parametrize(
    ("mode", "error"), [(Mode.SERVFAIL, ErrorKind.SERVER_ERROR), (Mode.REFUSED, ErrorKind.REFUSED)]
)
def test_the_zone_aboves_rcode_is_kept_apart(tmp_path: Path, mode: Mode, error: ErrorKind) -> None:
    dns = readings(tmp_path, -100, Fault(Simulated.PARENTS, mode))[Provider.DNS]
    assert (dns.error, dns.server) == (error, "com.")


@pytest.mark.parametrize("mode", [Mode.TIMEOUT, Mode.LAME])
def test_a_zone_above_that_is_of_no_use_leaves_the_question_to_the_resolver(tmp_path: Path, mode: Mode) -> None:
    dns = readings(tmp_path, -100, Fault(Simulated.PARENTS, mode))[Provider.DNS]
    assert (dns.phase, dns.nameservers) == (Phase.ACTIVE, tuple(sorted(OWNER.ns)))
    assert (dns.server or "").startswith("127.0.0.1:")


def test_a_name_that_the_zone_above_lost_is_lost(tmp_path: Path) -> None:
    dns = readings(tmp_path, -100, Fault(Simulated.PARENTS, Mode.NXDOMAIN_ALL))[Provider.DNS]
    assert (dns.outcome, dns.server) == (Outcome.NOT_FOUND, "com.")
