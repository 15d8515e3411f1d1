"""Whatever bytes a provider sends, the job ends well: an answer or a typed error for every domain, and nobody's harm.

The job's own code path: a real batch in a real database, its clients talking to servers that send garbage of every
degree, from noise to a valid reply with a byte turned.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.app import create_app
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase
from dashboard.models import Case, Check, CheckBatch, Domain, EvidenceRecord, Unverification
from jobs.checks import check_now, run_batch, sweep
from tests.conftest import START, make_settings
from tests.support import story

DOMAINS = 30
Payload = Callable[[str], bytes]

RDAP: dict[str, Any] = {
    "objectClassName": "domain",
    "ldhName": "",
    "handle": "1_DOMAIN",
    "status": ["active"],
    "events": [
        {"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"},
        {"eventAction": "expiration", "eventDate": "2027-01-01T00:00:00Z"},
    ],
    "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Northgrid"]]]}],
    "nameservers": [{"ldhName": "ns1.brelwick-dns.net"}],
}
WHOIS = "Domain Name: {}\r\nRegistrar: Northgrid\r\nCreation Date: 2001-01-01\r\nExpiry Date: 2027-01-01\r\nStatus: ok\r\n"
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    "",
    "\x00",
    "\ud800",
    "é" * 5000,
    [],
    {},
    [[]],
    {"": {}},
    "9999-99-99T99:99:99Z",
]


class Garbage:
    """Servers in a thread of their own that answer every provider's questions with damaged replies."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.http = self.whois = self.dns = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self) -> None:
        self._servers = [
            await asyncio.start_server(serve, "127.0.0.1", 0) for serve in (self._serve_http, self._serve_whois)
        ]
        self.http, self.whois = (server.sockets[0].getsockname()[1] for server in self._servers)
        garbage = self

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport: Any = transport

            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                self.transport.sendto(garbage.damaged(garbage.dns_reply(data)), addr)

        self._udp, _ = await self._loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
        self.dns = self._udp.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        self._udp.close()
        for server in self._servers:
            server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            writer.write(self._http_reply(line))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, IndexError):
            pass
        finally:
            writer.close()

    async def _serve_whois(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name = (await reader.readline()).decode("latin-1").split()[-1]
            writer.write(self.damaged(WHOIS.format(name).encode()))
            await writer.drain()
        except (OSError, IndexError):
            pass
        finally:
            writer.close()

    def _http_reply(self, path: str) -> bytes:
        """Answer the bootstrap well, all else badly: noise, a damaged head, a damaged body, odd JSON."""
        if path.endswith("/dns.json"):
            services = {"services": [[["com"], [f"http://127.0.0.1:{self.http}/rdap/"]]]}
            return http(200, json.dumps(services).encode())
        name = path.rpartition("domain=")[2] if "domain=" in path else path.rpartition("/")[2]
        whole = self._document(path, name)
        kind = self._dice.randrange(5)
        if kind == 0:
            return self._dice.randbytes(self._dice.randrange(400))
        if kind == 1:
            return self.damaged(http(200, json.dumps(whole).encode()))
        if kind == 2:
            return http(200, self.damaged(json.dumps(whole).encode()))
        if kind == 3:
            return http(self._dice.choice([200, 204, 301, 400, 401, 404, 429, 500, 999]), self._dice.randbytes(50))
        return http(200, json.dumps(self._odd(whole)).encode())

    def _document(self, path: str, name: str) -> Any:
        if "/rdap/" in path:
            return RDAP | {"ldhName": name}
        entry = {"domain": name, "zone": "com", "status": "active", "summary": "active"}
        return {"status": [entry]} if path.startswith("/v2/") else entry

    def _odd(self, value: Any) -> Any:
        """Put something absurd in the place of some parts."""
        if self._dice.random() < 0.2:
            return self._dice.choice(ODD)
        if isinstance(value, dict):
            return {key: self._odd(item) for key, item in value.items()}
        return [self._odd(item) for item in value] if isinstance(value, list) else value

    def dns_reply(self, query: bytes) -> bytes:
        """Answer `query` as if it were right, with records of noise."""
        head = (
            query[:2] + bytes([0x84, self._dice.choice([0, 0, 0, 2, 3, 5])]) + query[4:6] + b"\x00\x01" + query[8:12]
        )
        record = b"\xc0\x0c" + query[-4:-2] + b"\x00\x01" + b"\x00\x00\x00\x3c"
        data = self._dice.randbytes(self._dice.randrange(20))
        return head + query[12:] + record + len(data).to_bytes(2, "big") + data

    def damaged(self, whole: bytes) -> bytes:
        """Turn, lose, double or add a few bytes."""
        body = bytearray(whole)
        for _ in range(self._dice.randrange(4)):
            at = self._dice.randrange(len(body) + 1)
            how = self._dice.randrange(4)
            if how == 0:
                del body[at:]
            elif how == 1:
                body[at : at + 1] = self._dice.randbytes(1)
            elif how == 2:
                body[at:at] = self._dice.randbytes(3)
            else:
                body[at : at + self._dice.randrange(9)] = b""
        return bytes(body)


def http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)


@pytest.fixture(params=[1, 2])
def garbage(request: pytest.FixtureRequest) -> Iterator[Garbage]:
    with Garbage(request.param) as servers:
        yield servers


@pytest.fixture(params=["rdap dns fastly domainr", "whois"])
def settings(request: pytest.FixtureRequest, database_url: str, tmp_path: Path, garbage: Garbage) -> Settings:
    base = f"http://127.0.0.1:{garbage.http}"
    return make_settings(
        tmp_path / "state",
        database_url=database_url,
        check_batch=DOMAINS,
        providers=(tuple(request.param.split()),),
        fastly_url=base,
        fastly_key="a key",
        domainr_url=base,
        domainr_client_id="me",
        rdap_bootstrap_url=f"{base}/dns.json",
        whois_servers=(("*", ("127.0.0.1", garbage.whois)),),
        dns_resolver=f"127.0.0.1:{garbage.dns}",
        allowed_endpoints=frozenset({("127.0.0.1", garbage.http), ("127.0.0.1", garbage.whois)}),
        provider_rate=10_000.0,
        provider_timeout=0.1,
    )


@pytest.fixture
def desk(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    with app.app_context():
        with writing() as session:
            source = story.add_source(session)
            for number in range(DOMAINS):
                story.add_accounts(session, source, story.add_domain(session, f"name-{number}.com", START))
        yield app
        db.session.remove()
        db.engine.dispose()


def test_a_batch_of_garbage_is_checked_to_its_end(desk: Flask, caplog: pytest.LogCaptureFixture) -> None:
    sweep()
    batch = db.session.scalars(select(CheckBatch.id)).one()
    with caplog.at_level(logging.ERROR):
        assert run_batch(batch)["checks"] == DOMAINS
    assert "could not be recorded" not in caplog.text
    assert db.session.scalar(select(func.count(Check.id))) == DOMAINS
    for record in db.session.scalars(select(EvidenceRecord)):
        said = Evidence.from_normalised(record.normalised, record.last_seen_at)
        assert (said.outcome is Outcome.ERROR) == (said.error is not None)
        assert said.outcome is not Outcome.ERROR or said.phase is Phase.UNKNOWN
        assert said.error_detail is None or "while reading the reply" not in said.error_detail, "a fault of ours"
    assert not db.session.scalar(select(func.count(Unverification.id)))
    assert not db.session.scalars(select(Case).where(Case.recommendation == "unverify")).all()
    assert not db.session.scalars(select(Domain.id).where(Domain.batch_id.is_not(None))).all()


def test_the_check_command_says_what_came(desk: Flask) -> None:
    for found in check_now([f"name-{number}.com" for number in range(10)]):
        assert {error["error"] for error in found["evidence"]} <= {None, *(kind.value for kind in ErrorKind)}
