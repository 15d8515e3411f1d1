from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider
from dashboard.queue import POLICIES, JobName
from jobs.checks import SECONDS_A_JOB
from jobs.providers import errors
from jobs.providers.base import Reply
from jobs.providers.panel import LOOK_UP_SECONDS, Panel, open_panel
from tests.jobs.providers.helpers import NOW, dns_reply, dns_server, http_reply, http_server, settings_for


class Says:
    """A provider that answers, or fails, as told."""

    def __init__(self, provider: Provider, answer: Callable[[], None] = lambda: None, seconds: float = 0.0) -> None:
        self.provider = provider
        self.answer, self.seconds = answer, seconds

    async def look_up(self, domain: str, now: datetime) -> Reply:
        await asyncio.sleep(self.seconds)
        self.answer()
        return Reply(Evidence(self.provider, domain, now, Outcome.FOUND, Phase.ACTIVE, server="s"), b"{}", "d", 0.1)


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def ask(*look_ups: Says) -> tuple[list[Evidence], Panel]:
    panel = Panel(look_ups)
    replies = asyncio.run(panel.ask("example.com", NOW))
    return [reply.evidence for reply in replies], panel


def test_all_are_asked_at_once_and_answer_in_order() -> None:
    started = time.perf_counter()
    evidence, panel = ask(
        Says(Provider.RDAP, seconds=0.1), Says(Provider.DNS, seconds=0.1), Says(Provider.FASTLY, seconds=0.1)
    )
    assert (
        [one.provider for one in evidence] == list(panel.providers) == [Provider.RDAP, Provider.DNS, Provider.FASTLY]
    )
    assert time.perf_counter() - started < 0.25


def test_a_fault_becomes_evidence_of_an_error_beside_the_answers_of_the_others() -> None:
    fault = errors.Throttled("HTTP 429\n" + "x" * 500, retry_after=60, server="rdap.test")
    evidence, panel = ask(Says(Provider.RDAP, raising(fault)), Says(Provider.DNS))
    failed, fine = evidence
    assert (failed.outcome, failed.phase, failed.error) == (Outcome.ERROR, Phase.UNKNOWN, ErrorKind.THROTTLED)
    assert failed.server == "rdap.test"
    assert len(failed.error_detail or "") == 255
    assert fine.phase is Phase.ACTIVE
    assert panel.counters == {(Provider.RDAP, "rdap.test", ErrorKind.THROTTLED): 1}
    assert panel.asked == {(Provider.RDAP, "rdap.test"): 1, (Provider.DNS, "s"): 1}


@pytest.mark.parametrize("fault", [RecursionError(), KeyError("x"), UnicodeDecodeError("utf-8", b"", 0, 1, "x")])
def test_a_fault_that_nobody_foresaw_is_counted_by_its_name(fault: Exception) -> None:
    evidence, panel = ask(Says(Provider.RDAP, raising(fault)))
    assert evidence[0].error is ErrorKind.MALFORMED
    assert type(fault).__name__ in (evidence[0].error_detail or "")
    assert sum(panel.counters.values()) == 1


def test_a_look_up_that_waits_too_long_is_a_time_out_beside_the_answers_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.providers.panel.LOOK_UP_SECONDS", 0.05)
    late, fine = ask(Says(Provider.RDAP, seconds=60), Says(Provider.DNS))[0]
    assert (late.outcome, late.error) == (Outcome.ERROR, ErrorKind.TIMEOUT)
    assert fine.outcome is Outcome.FOUND


def test_a_job_ends_before_the_queue_ends_it_however_slow_a_server_is() -> None:
    """A job that is killed loses the answers it has; the same domains, due the longest, would then block all others."""
    assert POLICIES[JobName.RUN_BATCH].timeout - 30 > SECONDS_A_JOB + LOOK_UP_SECONDS


def test_cancelling_is_not_swallowed() -> None:
    async def run() -> None:
        panel = Panel([Says(Provider.RDAP, seconds=10)])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await panel.ask("example.com", NOW)
        assert not panel.counters

    asyncio.run(run())


def test_without_a_key_fastly_is_not_on_the_panel(tmp_path: Path) -> Any:
    async def run(key: str | None) -> tuple[Provider, ...]:
        async with open_panel(settings_for(tmp_path, fastly_key=key)) as panel:
            return panel.providers

    assert Provider.FASTLY not in asyncio.run(run(None))
    assert Provider.FASTLY in asyncio.run(run("key"))


def test_a_whole_panel_over_real_sockets(tmp_path: Path) -> Any:
    async def run() -> list[Reply]:
        fastly = http_reply({"domain": "example.com", "status": "undelegated inactive"})
        async with (
            http_server(fastly) as status_api,
            http_server(http_reply({"errorCode": 404}, 404)) as registry,
            http_server(http_reply({"services": [[["com"], [f"http://127.0.0.1:{registry.port}/"]]]})) as iana,
            dns_server(lambda query: dns_reply(query, rcode=3)) as dns_port,
        ):
            settings = settings_for(
                tmp_path,
                fastly_url=f"http://127.0.0.1:{status_api.port}",
                fastly_key="key",
                rdap_bootstrap_url=f"http://127.0.0.1:{iana.port}/dns.json",
                dns_resolver=f"127.0.0.1:{dns_port}",
                allowed_endpoints=frozenset(("127.0.0.1", s.port) for s in (status_api, registry, iana)),
            )
            async with open_panel(settings) as panel:
                return await panel.ask("example.com", NOW)

    replies = asyncio.run(run())
    assert [reply.evidence.phase for reply in replies] == [Phase.AVAILABLE] * 3
    assert all(reply.raw and reply.raw_digest and reply.elapsed > 0 for reply in replies)


def ask_in_turn(*seat: Says) -> tuple[list[Evidence], Panel]:
    panel = Panel([seat, Says(Provider.DNS)])
    replies = asyncio.run(panel.ask("example.com", NOW))
    return [reply.evidence for reply in replies], panel


def test_whois_is_asked_only_where_rdap_does_not_serve_the_name() -> None:
    unserved = raising(errors.Unsupported("no RDAP server is known for .zz"))
    evidence, panel = ask_in_turn(Says(Provider.RDAP, unserved), Says(Provider.WHOIS))
    assert [one.provider for one in evidence] == [Provider.WHOIS, Provider.DNS]
    assert panel.asked == {(Provider.WHOIS, "s"): 1, (Provider.DNS, "s"): 1}
    evidence, panel = ask_in_turn(Says(Provider.RDAP), Says(Provider.WHOIS, raising(AssertionError("asked"))))
    assert [one.provider for one in evidence] == [Provider.RDAP, Provider.DNS]
    evidence, _ = ask_in_turn(
        Says(Provider.RDAP, raising(errors.Timeout("late", server="r"))),
        Says(Provider.WHOIS, raising(AssertionError())),
    )
    assert evidence[0].error is ErrorKind.TIMEOUT


def test_where_neither_serves_the_name_rdap_says_why() -> None:
    evidence, panel = ask_in_turn(
        Says(Provider.RDAP, raising(errors.Unsupported("no RDAP"))),
        Says(Provider.WHOIS, raising(errors.Unsupported("no WHOIS"))),
    )
    assert (evidence[0].provider, evidence[0].error_detail) == (Provider.RDAP, "no RDAP")
    assert panel.counters == {(Provider.RDAP, "", ErrorKind.UNSUPPORTED): 1}


def test_a_fault_of_whois_is_counted_as_whois() -> None:
    evidence, panel = ask_in_turn(
        Says(Provider.RDAP, raising(errors.Unsupported("HTTP 501", server="r"))),
        Says(Provider.WHOIS, raising(errors.Throttled("slow down", server="w"))),
    )
    assert (evidence[0].provider, evidence[0].error) == (Provider.WHOIS, ErrorKind.THROTTLED)
    assert panel.asked[Provider.RDAP, "r"] == panel.asked[Provider.WHOIS, "w"] == 1


@pytest.mark.parametrize("keys", [{"domainr_client_id": "a"}, {"domainr_rapidapi_key": "b"}])
def test_domainr_sits_on_the_panel_only_with_a_key(tmp_path: Path, keys: dict[str, str]) -> None:
    async def run(keys: dict[str, str]) -> tuple[Provider, ...]:
        async with open_panel(settings_for(tmp_path, **keys)) as panel:
            return panel.providers

    assert Provider.DOMAINR not in asyncio.run(run({}))
    assert Provider.DOMAINR in asyncio.run(run(keys))


def test_nothing_reachable_is_three_typed_errors(tmp_path: Path) -> Any:
    settings = settings_for(
        tmp_path,
        fastly_url="http://127.0.0.1:9",
        fastly_key="key",
        rdap_bootstrap_url="http://127.0.0.1:9/dns.json",
        dns_resolver="127.0.0.1:9",
    )

    async def run() -> list[Evidence]:
        async with open_panel(settings) as panel:
            return [reply.evidence for reply in await panel.ask("example.com", NOW)]

    kinds = [one.error for one in asyncio.run(run())]
    assert kinds == [ErrorKind.FORBIDDEN_ADDRESS, ErrorKind.CONNECTION, ErrorKind.FORBIDDEN_ADDRESS]
