from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.providers import transport as transport_module
from jobs.providers.addresses import is_forbidden
from jobs.providers.errors import ConnectionFailed, ForbiddenAddress
from jobs.providers.transport import MAX_CONNECTIONS, PinnedTransport
from tests.jobs.providers.helpers import HttpServer, http_reply, http_server


class Names:
    """A resolver that answers each question with the next of its answers, the last one again and again."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append((host, port))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0],)


def client_of(allowed: set[tuple[str, int]], names: Names | None = None) -> httpx.AsyncClient:
    transport = PinnedTransport(frozenset(allowed), *([names] if names else []))
    return httpx.AsyncClient(transport=transport, trust_env=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
    ],
)
def test_a_url_that_leads_inside_is_refused_before_anything_is_sent(url: str) -> Any:
    async def run() -> HttpServer:
        async with http_server(http_reply({})) as server, client_of(set()) as client:
            with pytest.raises(ForbiddenAddress):
                await client.get(url.format(port=server.port))
        return server

    assert asyncio.run(run()).connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "::1", "fe80::1", "169.254.169.254"])
def test_a_public_name_that_resolves_to_the_inside_is_refused(address: str) -> None:
    async def run() -> None:
        async with client_of(set(), Names(address)) as client:
            with pytest.raises(ForbiddenAddress, match=r"rdap\.registry\.net leads to"):
                await client.get("http://rdap.registry.net/domain/a.com")

    asyncio.run(run())


def test_rebinding_gains_nothing_since_only_the_checked_address_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    async def note(address: str, *_: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(transport_module, "connect", note)
    names = Names("8.8.8.8", "127.0.0.1")

    async def run() -> None:
        async with client_of(set(), names) as client:
            for _ in range(3):
                with pytest.raises(ConnectionFailed):
                    await client.get("http://rebinding.net/")

    asyncio.run(run())
    assert connected == ["8.8.8.8"] * 3
    assert len(names.asked) == 1


def test_an_allowed_pair_works_and_the_same_host_on_another_port_does_not() -> Any:
    async def run() -> tuple[int, int]:
        async with http_server(http_reply({})) as demo, http_server(http_reply({})) as other:
            async with client_of({("127.0.0.1", demo.port)}) as client:
                answer = await client.get(f"http://127.0.0.1:{demo.port}/")
                with pytest.raises(ForbiddenAddress):
                    await client.get(f"http://127.0.0.1:{other.port}/")
                with pytest.raises(ForbiddenAddress):
                    await client.get(f"http://localhost:{demo.port}/")
            return answer.status_code, other.connections

    assert asyncio.run(run()) == (200, 0)


def test_the_host_header_keeps_the_name_while_the_connection_goes_to_the_address() -> Any:
    async def run() -> bytes:
        async with http_server(http_reply({})) as server:
            async with client_of({("rdap.demo", server.port)}, Names("127.0.0.1")) as client:
                await client.get(f"http://rdap.demo:{server.port}/domain/a.com")
            return server.heads[0]

    head = asyncio.run(run())
    assert head.startswith(b"GET /domain/a.com HTTP/1.1\r\n")
    assert b"host: rdap.demo:" in head.lower()


def test_tls_asks_for_the_name_not_the_address() -> None:
    """The name stands in the ClientHello (SNI), whose sender then refuses a server that is no TLS server."""
    hello: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.append(await reader.read(4096))
        writer.write(b"not TLS at all")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, client_of({("rdap.registry.net", port)}, Names("127.0.0.1")) as client:
            with pytest.raises(ConnectionFailed):
                await client.get(f"https://rdap.registry.net:{port}/")

    asyncio.run(run())
    assert b"rdap.registry.net" in hello[0]


def test_the_next_address_is_tried_when_one_is_dead() -> Any:
    async def both(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.9", "127.0.0.1")

    async def run() -> int:
        async with http_server(http_reply({})) as server:
            transport = PinnedTransport(frozenset({("two.demo", server.port)}), both)
            async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
                return (await client.get(f"http://two.demo:{server.port}/")).status_code

    assert asyncio.run(run()) == 200


def test_a_connection_is_kept_and_one_closed_meanwhile_is_replaced_once() -> Any:
    async def run() -> tuple[int, int]:
        replies = [http_reply({}), http_reply({}), b"", http_reply({})]
        async with http_server(*replies) as server, client_of({("127.0.0.1", server.port)}) as client:
            for _ in range(3):
                assert (await client.get(f"http://127.0.0.1:{server.port}/")).status_code == 200
            return server.connections, len(server.heads)

    assert asyncio.run(run()) == (2, 4)


def test_a_new_connection_that_is_closed_is_not_tried_again() -> Any:
    async def run() -> int:
        async with http_server(b"") as server, client_of({("127.0.0.1", server.port)}) as client:
            with pytest.raises(ConnectionFailed):
                await client.get(f"http://127.0.0.1:{server.port}/")
            return server.connections

    assert asyncio.run(run()) == 1


def test_idle_connections_to_many_servers_stay_within_the_bound() -> Any:
    async def run() -> int:
        async with http_server(http_reply({})) as server:
            hosts = [f"127.0.0.{n}" for n in range(1, MAX_CONNECTIONS + 10)]
            transport = PinnedTransport(
                frozenset((f"h{host}.demo", server.port) for host in hosts), Names("127.0.0.1")
            )
            async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
                for host in hosts:
                    await client.get(f"http://h{host}.demo:{server.port}/")
                return len(transport._open)

    assert asyncio.run(run()) == MAX_CONNECTIONS


def test_a_cancelled_request_takes_its_connection_with_it() -> Any:
    async def run() -> int:
        async with http_server(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf") as server:
            async with client_of({("127.0.0.1", server.port)}) as client:
                asking = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
                await server.asked.wait()
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                server.replies[:] = [http_reply({})]
                assert (await client.get(f"http://127.0.0.1:{server.port}/")).json() == {}
            return server.connections

    assert asyncio.run(run()) == 2


def test_the_documentation_address_used_here_is_public() -> None:
    assert not is_forbidden(ip_address("8.8.8.8"))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `rdap.registry.net` that signs itself, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate of this test")
    pem, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=rdap.registry.net", "-addext", "subjectAltName=DNS:rdap.registry.net"]
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name]
    make += ["-out", str(pem), "-keyout", str(key)]
    subprocess.run(make, check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


@pytest.mark.parametrize(
    ("host", "is_trusted", "is_served"),
    [("rdap.registry.net", True, True), ("rdap.registry.net", False, False), ("rdap.other.net", True, False)],
)
def test_tls_is_verified_against_the_name(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, *, host: str, is_trusted: bool, is_served: bool
) -> None:
    if is_trusted:
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr(transport_module, "_tls", lambda: trusting)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    handler = HttpServer([http_reply({"n": 1}), http_reply({"n": 2})])

    async def run() -> list[object]:
        server = await asyncio.start_server(handler.serve, "127.0.0.1", 0, ssl=serving)
        port = server.sockets[0].getsockname()[1]
        async with server, client_of({(host, port)}, Names("127.0.0.1")) as client:
            return [(await client.get(f"https://{host}:{port}/")).json()["n"] for _ in range(2)]

    if is_served:
        assert asyncio.run(run()) == [1, 2]
        assert handler.connections == 1
    else:
        with pytest.raises(ConnectionFailed, match="certificate"):
            asyncio.run(run())
        assert not handler.heads
