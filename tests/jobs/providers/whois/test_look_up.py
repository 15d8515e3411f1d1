from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import ErrorKind, Evidence, EvidenceKind, Outcome, Phase, Provider
from jobs.providers import errors
from jobs.providers.base import MAX_REPLY, Reply, digest_of
from jobs.providers.limits import LocalLimiter
from jobs.providers.whois.look_up import WhoisLookUp
from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import Fault, FaultTable, Mode
from jobs.simulator.faults import Provider as Simulated
from jobs.simulator.server import running
from jobs.simulator.specs import Story
from jobs.simulator.world import World
from tests.jobs.providers.helpers import FAST, NOW, PATIENCE
from tests.jobs.simulator.helpers import CREATED, OWNER, day, make_spec

HOST = "127.0.0.1"
FOUND = b"domain: brelwick.ru\r\nstate: REGISTERED, DELEGATED\r\ncreated: 2019-02-03\r\npaid-till: 2027-02-03\r\n"


@dataclass
class WhoisServer:
    """Answers everyone with `reply`, after `seconds`, and notes the queries."""

    reply: bytes
    seconds: float = 0.0
    port: int = 0
    queries: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.queries.append(await reader.readuntil(b"\n"))
            await asyncio.sleep(self.seconds)
            writer.write(self.reply)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def whois_server(reply: bytes, seconds: float = 0.0) -> AsyncIterator[WhoisServer]:
    server = WhoisServer(reply, seconds)
    listening = await asyncio.start_server(server.serve, HOST, 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def ask(
    reply: bytes,
    domain: str = "brelwick.ru",
    *,
    seconds: float = 0.0,
    allowed: bool = True,
    timeout: float = PATIENCE,
) -> tuple[Reply, WhoisServer, int]:
    """Ask a server that answers with `reply`."""

    async def run() -> tuple[Reply, WhoisServer, int]:
        async with whois_server(reply, seconds) as server:
            pairs = frozenset({(HOST, server.port)} if allowed else ())
            look_up = WhoisLookUp(LocalLimiter(FAST), {"ru": (HOST, server.port)}, pairs, timeout)
            return await look_up.look_up(domain, NOW), server, server.port

    return asyncio.run(run())


def test_one_line_out_one_text_back() -> None:
    reply, server, port = ask(FOUND)
    evidence = reply.evidence
    assert server.queries == [b"brelwick.ru\r\n"]
    assert (evidence.provider, evidence.kind) == (Provider.WHOIS, EvidenceKind.REGISTRY_DIRECTORY)
    assert (evidence.outcome, evidence.phase, evidence.domain) == (Outcome.FOUND, Phase.ACTIVE, "brelwick.ru")
    assert evidence.expires_at == datetime(2027, 2, 3, tzinfo=UTC)
    assert evidence.server == f"{HOST}:{port}"
    assert reply.raw_digest == digest_of(FOUND)
    assert reply.elapsed > 0


def test_persons_are_not_kept() -> None:
    reply, _, _ = ask(FOUND + b"person: Maren Holt\r\ne-mail: maren@brelwick.test\r\n")
    assert reply.raw is not None
    assert b"Maren" not in reply.raw
    assert b"maren" not in reply.raw
    assert b"2027-02-03" in reply.raw


def test_a_name_that_is_not_there_is_available() -> None:
    reply, _, _ = ask(b"No entries found for the selected source(s).\r\n")
    assert (reply.evidence.outcome, reply.evidence.phase) == (Outcome.NOT_FOUND, Phase.AVAILABLE)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"", errors.ConnectionFailed),
        (b"\r\n", errors.Malformed),
        (b"Query rate exceeded\r\n", errors.Throttled),
        (b"% Permission denied.\r\n", errors.Refused),
        (b"The database is down\r\n", errors.ServerError),
        (b"Invalid input\r\n", errors.Unsupported),
        (FOUND.replace(b"brelwick", b"torvale"), errors.WrongDomain),
        (b"x" * (MAX_REPLY + 1), errors.TooLarge),
        (b"\xff\xfe\x00\x01", errors.Malformed),
    ],
)
def test_a_fault_is_a_typed_error_that_names_the_server(reply: bytes, expected: type[errors.ProviderError]) -> None:
    with pytest.raises(expected) as caught:
        ask(reply)
    assert type(caught.value) is expected
    assert (caught.value.server or "").startswith(f"{HOST}:")


def test_a_server_that_stalls_is_a_time_out() -> None:
    with pytest.raises(errors.Timeout):
        ask(FOUND, seconds=1.0, timeout=0.05)


def test_nobody_listening_is_a_failed_connection() -> None:
    look_up = WhoisLookUp(LocalLimiter(FAST), {"*": (HOST, 9)}, frozenset({(HOST, 9)}), PATIENCE)
    with pytest.raises(errors.ConnectionFailed):
        asyncio.run(look_up.look_up("brelwick.ru", NOW))


def test_only_the_exact_pairs_of_the_settings_may_be_private() -> None:
    with pytest.raises(errors.ForbiddenAddress):
        ask(FOUND, allowed=False)


@pytest.mark.parametrize(
    "domain", ["brelwick.zz", "brelwick.com.zz", "", "-bad-.ru ", "a..ru", "brelwick.msk.ru", "a.edu.cn"]
)
def test_what_no_known_server_answers_for_is_not_asked(domain: str) -> None:
    look_up = WhoisLookUp(LocalLimiter(FAST), {}, frozenset(), PATIENCE)
    with pytest.raises(errors.Unsupported):
        asyncio.run(look_up.look_up(domain, NOW))


def test_a_throttled_server_is_slowed_down() -> None:
    async def run() -> float:
        async with whois_server(b"Query rate exceeded\r\n") as server:
            limiter = LocalLimiter(FAST)
            look_up = WhoisLookUp(limiter, {"ru": (HOST, server.port)}, frozenset({(HOST, server.port)}), PATIENCE)
            with pytest.raises(errors.Throttled):
                await look_up.look_up("brelwick.ru", NOW)
            return limiter.interval(f"{HOST}:{server.port}")

    assert asyncio.run(run()) > 1 / FAST


class Names:
    """Resolves the registrar's name to a public address, which must then not be reached."""

    def __init__(self, **known: str) -> None:
        self.known, self.asked = known, list[tuple[str, int]]()

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append((host, port))
        return (self.known.get(host.partition(".")[0], HOST),)


THIN = FOUND + b"Registrar WHOIS Server: whois.northgrid.test\r\n"


def test_a_referral_is_checked_like_the_first_address() -> None:
    names = Names()

    async def run() -> Evidence:
        async with whois_server(THIN) as server:
            pair = ("registry.test", server.port)
            look_up = WhoisLookUp(LocalLimiter(FAST), {"ru": pair}, frozenset({pair}), PATIENCE, names)
            return (await look_up.look_up("brelwick.ru", NOW)).evidence

    evidence = asyncio.run(run())
    assert names.asked[1:] == [("whois.northgrid.test", 43)]
    assert (evidence.outcome, evidence.registrar_expires_at) == (Outcome.FOUND, None)


def test_a_registrars_date_behind_the_registrys_is_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    registrars = (
        b"Domain Name: brelwick.ru\r\nRegistrar Registration Expiration Date: 2026-10-20\r\nRegistrar: Northgrid\r\n"
    )

    async def run() -> tuple[Evidence, list[bytes]]:
        async with whois_server(registrars) as second:
            monkeypatch.setattr("jobs.providers.whois.look_up.PORT", second.port)
            registry = THIN.replace(b"2027-02-03", b"2027-10-20")
            async with whois_server(registry) as first:
                pairs = frozenset({("registry.test", first.port), ("whois.northgrid.test", second.port)})
                servers = {"ru": ("registry.test", first.port)}
                reply = await WhoisLookUp(LocalLimiter(FAST), servers, pairs, PATIENCE, Names()).look_up(
                    "brelwick.ru", NOW
                )
                return reply.evidence, second.queries

    evidence, queries = asyncio.run(run())
    assert queries == [b"brelwick.ru\r\n"]
    assert evidence.expires_at == datetime(2027, 10, 20, tzinfo=UTC)
    assert evidence.registrar_expires_at == datetime(2026, 10, 20, tzinfo=UTC)
    assert (evidence.phase, evidence.registrar) == (Phase.AUTO_RENEW_GRACE, "Northgrid")


def simulated(days: float, *faults: Fault, name: str = "brelwick-labs.com", timeout: float = PATIENCE) -> Reply:
    """Ask the simulator about one lapsing domain, so many days after its expiry."""

    async def run() -> Reply:
        clock = SimulatedClock.standing(day(days))
        world = World([make_spec(name, Story.LAPSE_AND_DROP)])
        async with running(world, clock, None, FaultTable(*faults)) as endpoints:
            host, port = endpoints.whois.split(":")
            pair = (host, int(port))
            look_up = WhoisLookUp(LocalLimiter(FAST), {"*": pair}, frozenset({pair}), timeout)
            return await look_up.look_up(name, clock.now())

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "days", "phase"),
    [
        ("brelwick-labs.com", -100, Phase.ACTIVE),
        ("brelwick-labs.com", 50, Phase.REDEMPTION),
        ("brelwick-labs.com", 78, Phase.PENDING_DELETE),
        ("brelwick-labs.com", 120, Phase.AVAILABLE),
        ("brelwick-labs.co.uk", -100, Phase.ACTIVE),
        ("brelwick-labs.co.uk", 10, Phase.AUTO_RENEW_GRACE),
        ("brelwick-labs.co.uk", 50, Phase.REDEMPTION),
        ("brelwick-labs.co.uk", 93, Phase.PENDING_DELETE),
        ("brelwick-labs.co.uk", 120, Phase.AVAILABLE),
        ("brelwick-labs.de", -100, Phase.ACTIVE),
        ("brelwick-labs.de", 10, Phase.REDEMPTION),
        ("brelwick-labs.de", 120, Phase.AVAILABLE),
        ("brelwick-labs.nl", 10, Phase.REDEMPTION),
        ("brelwick-labs.fr", 60, Phase.REDEMPTION),
        ("brelwick-labs.fr", 120, Phase.AVAILABLE),
        ("brelwick-labs.ch", -100, Phase.ACTIVE),
        ("brelwick-labs.ch", 120, Phase.AVAILABLE),
    ],
)
def test_the_simulators_registries_are_understood(name: str, days: float, phase: Phase) -> None:
    evidence = simulated(days, name=name).evidence
    assert evidence.phase is phase
    assert (evidence.outcome is Outcome.NOT_FOUND) == (phase is Phase.AVAILABLE)


def test_the_simulators_data_are_read_whole() -> None:
    evidence = simulated(-100).evidence
    assert (evidence.registered_at, evidence.expires_at) == (CREATED, day(0))
    assert (evidence.registrar, evidence.handle) == (OWNER.registrar, OWNER.handle)
    assert evidence.nameservers == tuple(sorted(OWNER.ns))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (Mode.SLOW, ErrorKind.TIMEOUT),
        (Mode.THROTTLED, ErrorKind.THROTTLED),
        (Mode.BROKEN, ErrorKind.SERVER_ERROR),
        (Mode.HTML, ErrorKind.MALFORMED),
        (Mode.WRONG_DOMAIN, ErrorKind.WRONG_DOMAIN),
        (Mode.DROP, ErrorKind.CONNECTION),
    ],
)
@pytest.mark.parametrize("days", [-100, 120])
def test_every_way_to_fail_is_a_typed_error(days: float, mode: Mode, kind: ErrorKind) -> None:
    with pytest.raises(errors.ProviderError) as caught:
        simulated(days, Fault(Simulated.WHOIS, mode), timeout=0.5 if mode is Mode.SLOW else PATIENCE)
    assert caught.value.kind is kind


def test_a_zone_that_the_server_does_not_know_is_no_free_name() -> None:
    async def run() -> Reply:
        async with running(World([make_spec()]), SimulatedClock.standing(day(0)), None, FaultTable()) as endpoints:
            host, port = endpoints.whois.split(":")
            pair = (host, int(port))
            return await WhoisLookUp(LocalLimiter(FAST), {"*": pair}, frozenset({pair}), PATIENCE).look_up(
                "torvale.jp", NOW
            )

    with pytest.raises(errors.Unsupported):
        asyncio.run(run())


@given(st.binary(max_size=400))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_give_evidence_or_a_typed_error(body: bytes) -> None:
    try:
        reply, _, _ = ask(body)
    except errors.ProviderError:
        return
    assert reply.evidence.outcome is not Outcome.ERROR
