"""The registrar's server: asked for one date, believed in nothing else, never at the cost of the registry's word."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dashboard.config import parse_endpoint
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider
from jobs.providers import errors
from jobs.providers.base import Asked, Reply, digest_of
from jobs.providers.http import Http, build_transport
from jobs.providers.limits import LocalLimiter
from jobs.providers.panel import open_panel
from jobs.providers.rdap import RdapLookUp
from jobs.providers.rdap_bootstrap import Bootstrap
from jobs.providers.rdap_hops import MAX_REDIRECTS
from jobs.providers.rdap_registrar import is_worth_asking, may_ask, referral_of
from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import Fault, FaultTable, Mode
from jobs.simulator.faults import Provider as Simulated
from jobs.simulator.server import running
from jobs.simulator.specs import Story
from jobs.simulator.world import World
from tests.jobs.providers.helpers import FAST, NOW, Handler, http_reply, http_server, mock_http, settings_for
from tests.jobs.simulator.helpers import day, make_spec

BASE = "https://rdap.registry.test/"
REGISTRARS = "https://rdap.registrar.test/rdap/domain/EXAMPLE.COM"
LAPSED = NOW - timedelta(days=10)
ROLLED = LAPSED.replace(year=LAPSED.year + 1)


def stamp(moment: datetime) -> str:
    return moment.isoformat()


def registrys(*links: object, expires: datetime = ROLLED, status: str = "auto renew period") -> dict[str, Any]:
    return {
        "ldhName": "EXAMPLE.COM",
        "status": [status],
        "events": [{"eventAction": "expiration", "eventDate": stamp(expires)}],
        "entities": [{"roles": ["registrar"], "publicIds": [{"type": "IANA Registrar ID", "identifier": "9901"}]}],
        "links": list(links) or [{"rel": "related", "href": REGISTRARS, "type": "application/rdap+json"}],
    }


def registrars(name: str = "example.com", **more: object) -> dict[str, Any]:
    events = [
        {"eventAction": "registrar expiration", "eventDate": stamp(LAPSED)},
        {"eventAction": "expiration", "eventDate": "1999-01-01T00:00:00Z"},
        {"eventAction": "registration", "eventDate": "1999-01-01T00:00:00Z"},
    ]
    return {"ldhName": name, "status": ["redemption period"], "handle": "OTHER", "events": events, **more}


def served(registrar: httpx.Response | Exception, registry: dict[str, Any] | None = None) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        if str(request.url).startswith(BASE):
            return httpx.Response(200, json=registry or registrys())
        if isinstance(registrar, Exception):
            raise registrar
        return registrar

    return answer


def look_up(handler: Handler, allowed: frozenset[tuple[str, int]] = frozenset()) -> Reply:
    async def load() -> Bootstrap:
        return Bootstrap({"com": BASE})

    return asyncio.run(RdapLookUp(mock_http(handler), load, allowed).look_up("example.com", NOW))


def test_the_registrars_date_tells_that_a_renewed_name_is_unpaid() -> None:
    reply = look_up(served(httpx.Response(200, json=registrars())))
    found = reply.evidence
    assert (found.registrar_expires_at, found.expires_at) == (LAPSED, ROLLED)
    assert found.phase is Phase.AUTO_RENEW_GRACE
    assert found.server == "rdap.registry.test"
    assert reply.also == Asked("rdap.registrar.test", None)


def test_nothing_else_is_taken_from_the_registrar() -> None:
    found = look_up(served(httpx.Response(200, json=registrars()))).evidence
    assert (found.handle, found.statuses, found.registered_at) == (None, ("auto renew period",), None)
    assert found.registrar == "IANA Registrar ID 9901"


def test_both_replies_are_kept_and_digested() -> None:
    theirs = json.dumps(registrars(remarks=["ask ann@example.com"])).encode()
    mine = json.dumps(registrys()).encode()
    reply = look_up(
        lambda request: httpx.Response(200, content=mine if str(request.url).startswith(BASE) else theirs)
    )
    assert reply.raw_digest == digest_of(mine + theirs)
    assert reply.raw is not None
    assert b"registrar expiration" in reply.raw
    assert b"ann@" not in reply.raw


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404, json={"errorCode": 404}), None),
        (httpx.Response(429), ErrorKind.THROTTLED),
        (httpx.Response(500), ErrorKind.SERVER_ERROR),
        (httpx.Response(403), ErrorKind.REFUSED),
        (httpx.Response(200, html="<html>"), ErrorKind.MALFORMED),
        (httpx.Response(200, json=registrars("another.com")), ErrorKind.WRONG_DOMAIN),
        (httpx.Response(302, headers={"location": "http://rdap.registrar.test/plain"}), ErrorKind.MALFORMED),
        (httpx.Response(302, headers={"location": "https://rdap.registrar.test:8443/"}), ErrorKind.MALFORMED),
        (httpx.Response(302, headers={"location": REGISTRARS}), ErrorKind.MALFORMED),  # in a circle
        (httpx.ConnectError("refused"), ErrorKind.CONNECTION),
        (errors.NotAsked("left alone"), ErrorKind.NOT_ASKED),
    ],
)
def test_a_registrar_that_fails_loses_its_date_alone(
    answer: httpx.Response | Exception, error: ErrorKind | None
) -> None:
    reply = look_up(served(answer))
    assert (reply.evidence.outcome, reply.evidence.phase) == (Outcome.FOUND, Phase.ACTIVE)
    assert (reply.evidence.expires_at, reply.evidence.registrar_expires_at) == (ROLLED, None)
    assert reply.also == Asked("rdap.registrar.test", error)


def test_a_registrar_that_never_ends_loses_its_date_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.providers.rdap_registrar.SECONDS", 0.05)

    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if str(request.url).startswith(BASE):
                return httpx.Response(200, stream=httpx.ByteStream(json.dumps(registrys()).encode()))
            await asyncio.sleep(60)
            raise AssertionError

    async def load() -> Bootstrap:
        return Bootstrap({"com": BASE})

    http = Http(Hangs(), LocalLimiter(FAST), 30.0)
    reply = asyncio.run(RdapLookUp(http, load).look_up("example.com", NOW))
    assert reply.evidence.outcome is Outcome.FOUND
    assert reply.also == Asked("rdap.registrar.test", ErrorKind.TIMEOUT)


def test_the_circle_is_bounded_and_a_registrars_own_link_is_not_followed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if str(request.url).startswith(BASE):
            return httpx.Response(200, json=registrys())
        third = {"rel": "related", "href": "https://rdap.third.test/domain/example.com"}
        if len(asked) < 3:
            return httpx.Response(302, headers={"location": "https://new.registrar.test/domain/example.com"})
        return httpx.Response(200, json=registrars(links=[third]))

    look_up(answer)
    assert asked[1:] == [REGISTRARS, "https://new.registrar.test/domain/example.com"]
    asked.clear()

    def circle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if str(request.url).startswith(BASE):
            return httpx.Response(200, json=registrys())
        return httpx.Response(302, headers={"location": REGISTRARS})

    look_up(circle)
    assert len(asked) == 1 + MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "link",
    [
        {"rel": "self", "href": REGISTRARS},
        {"rel": "related", "href": "http://rdap.registrar.test/domain/example.com"},
        {"rel": "related", "href": "https://rdap.registrar.test:22/domain/example.com"},
        {"rel": "related", "href": "https://u:p@rdap.registrar.test/domain/example.com"},
        {"rel": "related", "href": "https://rdap.registrar.test/domain/another.com"},
        {"rel": "related", "href": "https://rdap.registrar.test/help"},
        {"rel": "related", "href": "https://rdap.registrar.test/" + "x" * 2000 + "/domain/example.com"},
        {"rel": "related", "href": "file:///domain/example.com"},
        {"rel": "related", "href": "https://[::1/domain/example.com"},
        {"rel": "related", "href": f"{BASE}domain/example.com"},
        {"rel": "related", "href": 7},
        {"rel": ["related"]},
        "related",
        None,
    ],
)
def test_other_links_are_not_followed(link: object) -> None:
    reply = look_up(served(AssertionError("asked"), registrys(link)))
    assert reply.evidence.outcome is Outcome.FOUND
    assert reply.also is None


def test_the_first_link_that_fits_counts() -> None:
    links = [None, {"rel": "self", "href": BASE}, {"rel": "RELATED", "href": REGISTRARS}]
    found = referral_of({"links": links}, "example.com", frozenset())
    assert found == httpx.URL(REGISTRARS)


def test_only_the_settings_pairs_are_excepted() -> None:
    allowed = frozenset({("127.0.0.1", 8999)})
    assert may_ask(httpx.URL("http://127.0.0.1:8999/domain/a.com"), allowed)
    assert not may_ask(httpx.URL("http://127.0.0.1:8998/domain/a.com"), allowed)
    assert not may_ask(httpx.URL("http://127.0.0.1:8999/domain/a.com"), frozenset())
    assert not may_ask(httpx.URL("//127.0.0.1:8999/domain/a.com"), allowed)


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "10.0.0.8", "[::1]", "[::ffff:10.0.0.8]"])
def test_a_registrar_on_the_inside_is_never_connected_to(tmp_path: Path, inside: str) -> Any:
    async def names(host: str, port: int) -> tuple[str, ...]:
        return ("10.1.2.3",) if host == "rebound.registrar.test" else (host.strip("[]"),)

    async def run() -> list[Reply]:
        hrefs = [f"https://{inside}/domain/example.com", "https://rebound.registrar.test/domain/example.com"]
        replies = []
        for href in hrefs:
            body = http_reply(registrys({"rel": "related", "href": href}))
            async with http_server(body) as registry:
                settings = settings_for(tmp_path, allowed_endpoints=frozenset({("127.0.0.1", registry.port)}))
                base = f"http://127.0.0.1:{registry.port}/"

                async def load(base: str = base) -> Bootstrap:
                    return Bootstrap({"com": base})

                async with build_transport(settings, names) as transport:
                    http = Http(transport, LocalLimiter(FAST), 2.0)
                    look = RdapLookUp(http, load, settings.allowed_endpoints)
                    replies.append(await look.look_up("example.com", NOW))
        return replies

    for reply in asyncio.run(run()):
        assert reply.evidence.outcome is Outcome.FOUND
        assert reply.also is not None
        assert reply.also.error is ErrorKind.FORBIDDEN_ADDRESS


def reading(phase: Phase = Phase.ACTIVE, *statuses: str, **dates: datetime) -> Evidence:
    return Evidence(Provider.RDAP, "example.com", NOW, Outcome.FOUND, phase, statuses=statuses, **dates)  # type: ignore[arg-type]


def years(moment: datetime, count: int) -> datetime:
    return moment.replace(year=moment.year + count)


@pytest.mark.parametrize(
    ("evidence", "worth"),
    [
        (reading(expires_at=years(NOW - timedelta(days=1), 1)), True),
        (reading(expires_at=years(NOW - timedelta(days=59), 1)), True),
        (reading(expires_at=years(NOW - timedelta(days=5), 9)), True),
        (reading(expires_at=NOW - timedelta(days=400)), True),
        (reading(Phase.ACTIVE, "auto renew period"), True),
        (reading(Phase.HOLD), True),
        (reading(Phase.AUTO_RENEW_GRACE), True),
        (reading(expires_at=years(NOW - timedelta(days=61), 1)), False),
        (reading(expires_at=NOW + timedelta(days=20)), False),
        (reading(), False),
        (reading(Phase.REDEMPTION, expires_at=NOW), False),
        (reading(Phase.PENDING_DELETE, expires_at=NOW), False),
        (reading(Phase.HOLD, registrar_expires_at=NOW), False),
        (Evidence(Provider.RDAP, "example.com", NOW, Outcome.NOT_FOUND, Phase.AVAILABLE), False),
    ],
)
def test_registrars_are_asked_where_their_date_may_change_the_picture(evidence: Evidence, *, worth: bool) -> None:
    assert is_worth_asking(evidence, NOW) is worth


@given(st.integers(0, 60_000), st.integers(0, 20_000))
def test_any_dates_can_be_judged(expires: int, today: int) -> None:
    start = datetime(1990, 1, 1, tzinfo=UTC)
    expires_at, now = start + timedelta(days=expires), start + timedelta(days=today)
    assert is_worth_asking(reading(expires_at=expires_at), now) or expires_at > now


@hypothesis_settings(deadline=None)  # each example makes an event loop of its own
@given(
    st.integers(200, 599),
    st.binary(max_size=200),
    st.sampled_from(["text/html", "application/rdap+json"]),
    st.text(max_size=20),
)
def test_whatever_a_registrar_says_the_registrys_reading_stands(
    status: int, body: bytes, content_type: str, location: str
) -> None:
    fields = [(b"content-type", content_type.encode()), (b"location", location.encode())]
    reply = look_up(served(httpx.Response(status, headers=fields, content=body)))
    assert (reply.evidence.outcome, reply.evidence.expires_at) == (Outcome.FOUND, ROLLED)


def simulated(tmp_path: Path, days: float, *faults: Fault) -> tuple[Evidence, dict[str, int]]:
    """Ask the simulator about one name of a thin registry; return the reading and how often each side was asked."""

    async def run() -> tuple[Evidence, dict[str, int]]:
        clock = SimulatedClock.standing(day(days))
        name = "brelwick-labs.com"
        world = World([make_spec(name, Story.LAPSE_AND_DROP)])
        async with running(world, clock, None, FaultTable(*faults)) as endpoints:
            settings = settings_for(
                tmp_path,
                providers=(("rdap",),),
                rdap_bootstrap_url=endpoints.rdap_bootstrap_url,
                allowed_endpoints=frozenset({parse_endpoint(endpoints.http)}),
            )
            async with open_panel(settings) as panel:
                [reply] = await panel.ask(name, clock.now())
                server = endpoints.http
                asked = {"asked": panel.asked[Provider.RDAP, server], "failed": sum(panel.counters.values())}
            return reply.evidence, asked

    return asyncio.run(run())


def test_a_thin_registrys_lapse_is_seen_through_the_registrar_over_sockets(tmp_path: Path) -> None:
    found, counted = simulated(tmp_path, 10)
    assert (found.phase, found.registrar_expires_at) == (Phase.AUTO_RENEW_GRACE, day(0))
    assert found.expires_at == day(365)
    assert counted == {"asked": 2, "failed": 0}


def test_a_healthy_name_costs_one_look_up(tmp_path: Path) -> None:
    found, counted = simulated(tmp_path, -100)
    assert (found.phase, found.registrar_expires_at) == (Phase.ACTIVE, None)
    assert counted == {"asked": 1, "failed": 0}


@pytest.mark.parametrize("mode", [Mode.BROKEN, Mode.THROTTLED, Mode.HTML, Mode.TRUNCATED, Mode.DROP, Mode.AVAILABLE])
def test_a_registrar_in_trouble_is_counted_and_costs_its_date_alone(tmp_path: Path, mode: Mode) -> None:
    found, counted = simulated(tmp_path, 10, Fault(Simulated.REGISTRAR, mode))
    assert (found.outcome, found.phase, found.registrar_expires_at) == (Outcome.FOUND, Phase.ACTIVE, None)
    assert counted == {"asked": 2, "failed": int(mode is not Mode.AVAILABLE)}
