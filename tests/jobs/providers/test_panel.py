from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.config import SettingError, load_settings
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider
from dashboard.queue import POLICIES, JobName
from jobs.checks import SECONDS_A_JOB
from jobs.providers import errors
from jobs.providers.base import Reply
from jobs.providers.panel import LOOK_UP_SECONDS, Panel, open_panel
from tests.jobs.providers.helpers import NOW, dns_reply, dns_server, http_reply, http_server, settings_for


class Says:
    """A provider that answers, or fails, as told."""

    def __init__(
        self,
        provider: Provider,
        answer: Callable[[], None] = lambda: None,
        seconds: float = 0.0,
        phase: Phase = Phase.ACTIVE,
    ) -> None:
        self.provider = provider
        self.answer, self.seconds, self.phase = answer, seconds, phase

    async def look_up(self, domain: str, now: datetime) -> Reply:
        await asyncio.sleep(self.seconds)
        self.answer()
        return Reply(Evidence(self.provider, domain, now, Outcome.FOUND, self.phase, server="s"), b"{}", "d", 0.1)


class Meets(Says):
    """One of some that answer only when all of them have been asked."""

    def __init__(self, provider: Provider, meeting: asyncio.Barrier) -> None:
        super().__init__(provider)
        self.meeting = meeting

    async def look_up(self, domain: str, now: datetime) -> Reply:
        await self.meeting.wait()
        return await super().look_up(domain, now)


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def ask(*look_ups: Says) -> tuple[list[Evidence], Panel]:
    panel = Panel(look_ups)
    replies = asyncio.run(panel.ask("example.com", NOW))
    return [reply.evidence for reply in replies], panel


def test_all_are_asked_at_once_and_answer_in_order() -> None:
    order = [Provider.RDAP, Provider.DNS, Provider.FASTLY]
    meeting = asyncio.Barrier(len(order))
    evidence, panel = ask(*(Meets(provider, meeting) for provider in order))
    assert [one.provider for one in evidence] == list(panel.providers) == order
    assert {one.outcome for one in evidence} == {Outcome.FOUND}


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
    monkeypatch.setattr("jobs.providers.panel.LOOK_UP_SECONDS", 1.0)
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


FREE = (Provider.RDAP, Provider.DNS)
PAID = (*FREE, Provider.FASTLY)


def in_steps(rdap: Says, dns: Says, *, closely: bool = False) -> tuple[Provider, ...]:
    """Who is asked about a name of which RDAP and DNS say this, with a paid provider in the second step."""
    panel = Panel([rdap, dns], [Says(Provider.FASTLY)])
    replies = asyncio.run(panel.ask("example.com", NOW, closely=closely))
    assert set(panel.asked) == {(reply.evidence.provider, reply.evidence.server or "") for reply in replies}
    return tuple(reply.evidence.provider for reply in replies)


def test_a_name_that_is_well_costs_nothing() -> None:
    assert in_steps(Says(Provider.RDAP), Says(Provider.DNS)) == FREE
    broken = raising(errors.ServerError("SERVFAIL", server="s"))
    assert in_steps(Says(Provider.RDAP), Says(Provider.DNS, broken)) == FREE


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.ACTIVE])
def test_whatever_is_not_plain_health_is_corroborated(phase: Phase) -> None:
    assert in_steps(Says(Provider.RDAP, phase=phase), Says(Provider.DNS)) == PAID
    assert in_steps(Says(Provider.RDAP), Says(Provider.DNS, phase=phase)) == PAID


def test_a_name_without_a_directory_is_always_asked_about_elsewhere() -> None:
    for fault in (errors.Unsupported("no RDAP"), errors.NotAsked("the day's budget is spent", server="s")):
        panel = Panel([Says(Provider.RDAP, raising(fault)), Says(Provider.DNS)], [Says(Provider.FASTLY)])
        replies = asyncio.run(panel.ask("example.com", NOW, closely=False))
        assert tuple(reply.evidence.provider for reply in replies) == PAID


def test_an_outage_of_the_directory_is_not_paid_for() -> None:
    for fault in (errors.Timeout("late", server="s"), errors.ServerError("HTTP 500", server="s")):
        assert in_steps(Says(Provider.RDAP, raising(fault)), Says(Provider.DNS)) == FREE
        assert in_steps(Says(Provider.RDAP, raising(fault)), Says(Provider.DNS, phase=Phase.AVAILABLE)) == PAID


def test_a_name_under_suspicion_is_asked_about_everywhere() -> None:
    """An older word of a provider that is not asked again would stand against the newer ones of the others."""
    assert in_steps(Says(Provider.RDAP), Says(Provider.DNS), closely=True) == PAID


def test_a_third_step_is_asked_only_where_the_second_was_silent() -> None:
    def asked(second: Says) -> int:
        panel = Panel([Says(Provider.RDAP, phase=Phase.REDEMPTION)], [second], [Says(Provider.DOMAINR)])
        return len(asyncio.run(panel.ask("example.com", NOW, closely=False)))

    assert asked(Says(Provider.FASTLY, phase=Phase.REDEMPTION)) == 2
    assert asked(Says(Provider.FASTLY, phase=Phase.UNKNOWN)) == 3
    assert asked(Says(Provider.FASTLY, raising(errors.Throttled("HTTP 429", server="s")))) == 3


def test_the_order_comes_from_the_settings(tmp_path: Path) -> None:
    async def order(text: str) -> tuple[Provider, ...]:
        settings = load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_PROVIDERS": text, **keys})
        async with open_panel(settings) as panel:
            return panel.providers

    keys = {"LAPSEWATCH_FASTLY_KEY": "a", "LAPSEWATCH_DOMAINR_CLIENT_ID": "b"}
    assert [one.value for one in asyncio.run(order(""))] == ["rdap", "whois", "dns", "fastly", "domainr"]
    assert [one.value for one in asyncio.run(order("Fastly, dns whois"))] == ["fastly", "whois", "dns"]


@pytest.mark.parametrize("text", ["rdap,,dns", "rdap rdap", "rdap, rdap", "rdap nic", ","])
def test_an_order_that_cannot_be_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match="LAPSEWATCH_PROVIDERS"):
        load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_PROVIDERS": text})


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


def corroborating(phase: Phase, held_back: bool) -> list[Provider]:  # noqa: FBT001 - one test's table
    """Complete a check in which Fastly has spoken; return who was asked."""
    asked = raising(errors.NotAsked("spent")) if held_back else lambda: None
    panel = Panel([Says(Provider.RDAP, asked, phase=phase), Says(Provider.DNS)], [Says(Provider.FASTLY)])
    replies = asyncio.run(panel.ask("example.com", NOW, answered=frozenset({Provider.FASTLY})))
    return [reply.evidence.provider for reply in replies]


def test_who_was_paid_is_asked_again_only_to_corroborate() -> None:
    free = [Provider.RDAP, Provider.DNS]
    assert corroborating(Phase.ACTIVE, held_back=True) == free
    assert corroborating(Phase.ACTIVE, held_back=False) == free
    assert corroborating(Phase.REDEMPTION, held_back=False) == [*free, Provider.FASTLY]
