"""The HTTP face of the simulator: a plain ASGI app for Fastly, Domainr and RDAP, and for its own controls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from jobs.simulator import rdap, status_api
from jobs.simulator.controls import control
from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.replies import Reply, as_json
from jobs.simulator.states import DomainState, free
from jobs.simulator.workings import Workings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FASTLY_PATH = "/domain-management/v1/tools/status"
DOMAINR_PATH = "/v2/status"
_STATUS_APIS = {FASTLY_PATH: Provider.FASTLY, DOMAINR_PATH: Provider.DOMAINR}
BOOTSTRAP_PATH = "/rdap/dns.json"
RDAP_PATH = "/rdap/"
RDAP_DOMAIN_PATH = "/rdap/domain/"
REGISTRAR_PATH = "/registrar/"
REGISTRAR_DOMAIN_PATH = "/registrar/domain/"
TRANSPORT = "simulator.transport"  # the ASGI extension under which server.py hands the connection over

_UNNAMED = Reply(b'{"msg":"a domain parameter is needed"}', 400)
_INSTEAD = {
    Mode.BROKEN: as_json({"msg": "Internal server error"}, 500),
    Mode.HTML: Reply(b"<!doctype html><title>Maintenance</title><p>Back soon.", 200, b"text/html"),
}
_NO_KEY = Reply(b'{"msg":"Provided credentials are missing or invalid"}', 401)


@dataclass(slots=True)
class HttpFront:
    """Answers every HTTP request; `latency` seconds pass before each of a provider's replies."""

    workings: Workings
    latency: float = 0.0
    base_url: str = ""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3); the end of the server cuts the line instead of answering."""
        try:
            reply = await self._route(scope, receive)
        except asyncio.CancelledError:
            reply = None
        if reply is None:
            await _cut(scope, receive)
        else:
            await _send(reply, scope, send)

    async def _route(self, scope: Message, receive: Receive) -> Reply | None:
        path: str = scope["path"]
        if path.startswith(RDAP_DOMAIN_PATH):
            return await self._provider(Provider.RDAP, path[len(RDAP_DOMAIN_PATH) :], self._rdap)
        if path.startswith(REGISTRAR_DOMAIN_PATH):
            return await self._provider(Provider.REGISTRAR, path[len(REGISTRAR_DOMAIN_PATH) :], self._registrar)
        if path in _STATUS_APIS:
            return await self._status_api(_STATUS_APIS[path], scope)
        if path == BOOTSTRAP_PATH:
            return rdap.bootstrap(self.workings.world.tlds(), self.base_url + RDAP_PATH)
        if path.startswith("/control/"):
            return await control(self.workings, scope, receive)
        return rdap.error(404, "Not Found", "there is nothing at this path")

    async def _status_api(self, provider: Provider, scope: Message) -> Reply | None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        name = query.get("domain", [""])[0]
        if not _has_key(provider, scope, query):
            return _NO_KEY
        if not name:
            return _UNNAMED
        if provider is Provider.DOMAINR:
            return await self._provider(provider, name, self._domainr)
        estimate = query.get("scope") == ["estimate"]
        return await self._provider(provider, name, lambda state: self._fastly(state, estimate=estimate))

    async def _provider(self, provider: Provider, name: str, render: Callable[[DomainState], Reply]) -> Reply | None:
        """Return a provider's reply for `name`, after its latency and through its fault; None: cut the line."""
        name = name.lower().rstrip(".")
        with self.workings.request(provider, name):
            if self.latency:
                await asyncio.sleep(self.latency)
            fault = self.workings.faults.hit(provider, name)
            if fault is None:
                return render(self.workings.state(name))
            if fault.mode is Mode.DROP:
                return None
            if fault.mode is Mode.SLOW:
                await asyncio.sleep(fault.seconds)
            return _broken(fault, self.workings.state(name), render)

    def _rdap(self, state: DomainState) -> Reply:
        urls = self.base_url + RDAP_PATH, self.base_url + REGISTRAR_PATH
        return rdap.domain_reply(state, self.workings.clock.now(), *urls)

    def _registrar(self, state: DomainState) -> Reply:
        return rdap.registrars_reply(state, self.workings.clock.now(), self.base_url + REGISTRAR_PATH)

    def _fastly(self, state: DomainState, *, estimate: bool) -> Reply:
        if state.zone not in self.workings.world.zones:
            return status_api.not_a_domain(state.name)
        return status_api.fastly_reply(state, estimate=estimate)

    def _domainr(self, state: DomainState) -> Reply:
        if state.zone not in self.workings.world.zones:
            return status_api.not_a_domain(state.name)
        return status_api.domainr_reply(state)


def _has_key(provider: Provider, scope: Message, query: dict[str, list[str]]) -> bool:
    """Return whether the request carries a key at all; any will do here."""
    headers = {name for name, value in scope["headers"] if value}
    if provider is Provider.FASTLY:
        return b"fastly-key" in headers
    return b"x-rapidapi-key" in headers or bool(query.get("client_id"))


def _broken(fault: Fault, state: DomainState, render: Callable[[DomainState], Reply]) -> Reply:
    """Return the reply that `fault` makes of the right one."""
    if fault.mode is Mode.THROTTLED:
        limit = as_json({"msg": "Too many requests", "errorCode": 429}, 429)
        return replace(limit, headers=((b"retry-after", str(round(fault.seconds)).encode()),))
    if fault.mode in _INSTEAD:
        return _INSTEAD[fault.mode]
    if fault.mode is Mode.AVAILABLE:
        return render(free(state.name, state.profile))
    if fault.mode is Mode.WRONG_DOMAIN:
        return render(replace(state, name=f"another-name.{state.zone}"))
    whole = render(state)
    return replace(whole, body=whole.body[: len(whole.body) // 2]) if fault.mode is Mode.TRUNCATED else whole


async def _cut(scope: Message, receive: Receive) -> None:
    """Break the connection without a reply, and wait until that is noticed."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(reply: Reply, scope: Message, send: Send) -> None:
    headers = [(b"content-type", reply.content_type), (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *reply.headers]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})
