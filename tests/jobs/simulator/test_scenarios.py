from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobs.simulator.scenarios import ctx_scenario
from jobs.simulator.states import state_at
from jobs.simulator.stories import Stage


def test_ctx_keeps_the_dates_of_2022() -> None:
    ctx = ctx_scenario()

    assert ctx.caught_at == datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)
    assert ctx.reset_at == datetime(2022, 5, 14, 18, 52, 40, tzinfo=UTC)
    assert ctx.first_malicious_at == datetime(2022, 5, 14, 19, 18, 36, tzinfo=UTC)


def test_the_domain_tells_the_same_story() -> None:
    ctx = ctx_scenario()
    second = timedelta(seconds=1)
    before, after = state_at(ctx.spec, ctx.caught_at - second), state_at(ctx.spec, ctx.caught_at)

    assert state_at(ctx.spec, datetime(2022, 2, 1, tzinfo=UTC)).stage is Stage.ACTIVE
    assert state_at(ctx.spec, datetime(2022, 5, 1, tzinfo=UTC)).stage is Stage.REDEMPTION
    assert state_at(ctx.spec, datetime(2022, 5, 13, tzinfo=UTC)).stage is Stage.PENDING_DELETE
    assert before.stage is Stage.FREE
    assert after.registered_at == ctx.caught_at
    assert after.holder == ctx.spec.successor


def test_the_account_line_bears_the_reset_and_the_release() -> None:
    account = ctx_scenario().account

    assert account["security_events"] == [{"kind": "password_reset", "at": "2022-05-14T18:52:40Z"}]
    assert account["packages"][0]["last_release_at"] == "2022-05-14T19:18:36Z"
    assert account["addresses"][0]["email"].endswith(f"@{ctx_scenario().spec.name}")
    assert account["addresses"][0]["verified_at"] < "2022"
