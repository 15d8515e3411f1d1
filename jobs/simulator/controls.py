"""What may be turned at run time, under `/control/`: the clock, the faults, and what was asked so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson

from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.replies import Reply, as_json
from jobs.simulator.states import state_at
from jobs.simulator.workings import Workings

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_MAX_BODY = 65536


async def control(workings: Workings, scope: MutableMapping[str, Any], receive: Receive) -> Reply:
    """Serve one control request.

    `GET|POST /control/clock`, `GET|POST|DELETE /control/faults`, `GET|DELETE /control/requests`,
    `GET /control/state?domain=`. Bodies must say they are JSON, so that no web page in a browser can post here.
    """
    handler = _HANDLERS.get((scope["method"], scope["path"].removeprefix("/control/")))
    if handler is None:
        return as_json({"error": "no such control"}, 404)
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    try:
        given = await _body(scope, receive) if scope["method"] == "POST" else query
        return handler(workings, given)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        return as_json({"error": str(error)}, 400)


async def _body(scope: MutableMapping[str, Any], receive: Receive) -> dict[str, Any]:
    if dict(scope["headers"]).get(b"content-type", b"").split(b";")[0] != b"application/json":
        raise ValueError("the body must be application/json")
    body, more = b"", True
    while more and len(body) <= _MAX_BODY:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    given = orjson.loads(body)
    if not isinstance(given, dict):
        raise TypeError("the body must be a JSON object")
    return given


def _only(given: dict[str, Any], *known: str) -> None:
    if unknown := given.keys() - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")


def _show_clock(workings: Workings, _given: dict[str, Any]) -> Reply:
    return as_json({"now": workings.clock.now(), "speed": workings.clock.anchor.speed})


def _move_clock(workings: Workings, given: dict[str, Any]) -> Reply:
    _only(given, "speed", "advance_seconds", "to")
    workings.clock.move(
        speed=None if given.get("speed") is None else float(given["speed"]),
        advance=timedelta(seconds=given.get("advance_seconds") or 0),
        to=_aware(given["to"]) if given.get("to") else None,
    )
    return _show_clock(workings, {})


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} does not say its zone")
    return moment.astimezone(UTC)


def _show_faults(workings: Workings, _given: dict[str, Any]) -> Reply:
    return as_json({"faults": [asdict(fault) for fault in workings.faults.faults]})


def _add_fault(workings: Workings, given: dict[str, Any]) -> Reply:
    _only(given, "provider", "mode", "pattern", "seconds", "times")
    fault = Fault(
        Provider(given["provider"]),
        Mode(str(given["mode"])),
        pattern=str(given.get("pattern", "*")),
        seconds=float(given.get("seconds", 30)),
        times=None if given.get("times") is None else int(given["times"]),
    )
    workings.faults.faults.append(fault)
    return _show_faults(workings, {})


def _clear_faults(workings: Workings, given: dict[str, Any]) -> Reply:
    workings.faults.clear(Provider(given["provider"]) if "provider" in given else None)
    return _show_faults(workings, {})


def _show_requests(workings: Workings, given: dict[str, Any]) -> Reply:
    """Return how often each provider was asked; with `?domains=1` also for which names."""
    counts = {
        provider.value: {"total": counter.total()} | ({"domains": dict(counter)} if "domains" in given else {})
        for provider, counter in workings.counts.items()
    }
    return as_json(counts)


def _forget_requests(workings: Workings, _given: dict[str, Any]) -> Reply:
    for counter in workings.counts.values():
        counter.clear()
    return _show_requests(workings, {})


def _show_state(workings: Workings, given: dict[str, Any]) -> Reply:
    """Return the truth about one domain, which no provider tells whole."""
    spec = workings.world.get(given["domain"])
    if spec is None:
        return as_json({"name": given["domain"], "stage": "free", "story": None})
    return as_json(asdict(state_at(spec, workings.clock.now())) | {"story": spec.story})


_HANDLERS: dict[tuple[str, str], Callable[[Workings, dict[str, Any]], Reply]] = {
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _move_clock,
    ("GET", "faults"): _show_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _show_requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "state"): _show_state,
}
