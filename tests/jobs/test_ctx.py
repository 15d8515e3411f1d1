"""The ctx story of May 2022 through everything: providers' sockets, assessment, screens, the source's own pull."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard import runtime
from dashboard.app import create_app
from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.auth.tokens import Scope, create_token
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.models import Address, Case, CheckBatch, Domain, Notice, Source
from dashboard.services.importing import Import, Transactions, import_accounts
from jobs.checks import run_batch, sweep
from jobs.deliveries import publish
from jobs.demo.registry import Registry
from jobs.demo.source import take_page
from jobs.simulator.scenarios import Takeover, ctx_scenario
from jobs.simulator.world import World
from tests.conftest import make_settings
from tests.support.audit import assert_one_entry
from tests.support.people import post, signed_in_client
from tests.support.simulator import Simulator, running_simulator

IMPORTED = datetime(2022, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def ctx() -> Takeover:
    return ctx_scenario()


@pytest.fixture
def simulator(ctx: Takeover, tmp_path: Path) -> Iterator[Simulator]:
    world = tmp_path / "world.ndjson"
    World([ctx.spec]).dump(world)
    with running_simulator(
        tmp_path / "simulator", ("--speed", "0", "--world", str(world), "--start", IMPORTED.isoformat())
    ) as running:
        yield running


@pytest.fixture
def settings(database_url: str, tmp_path: Path, simulator: Simulator) -> Settings:
    values = {"database_url": database_url, "clock_file": simulator.clock_file}
    return make_settings(tmp_path / "state", **values, **simulator.settings)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.testing = True
    with app.app_context():
        with writing() as session:
            session.add(Source(slug="pypi", name="PyPI", created_at=IMPORTED))
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def reading() -> Iterator[Session]:
    try:
        yield db.session()
    finally:
        db.session.rollback()


def bring(account: dict[str, Any], path: Path) -> None:
    """Import the account as its source knows it now."""
    path.write_text(json.dumps(account) + "\n")
    what = Import(path, "pypi", path.with_suffix(".rejects"), path.parent)
    import_accounts(what, Transactions(reading, writing), now=runtime.domain_now())


def check(simulator: Simulator, at: datetime) -> Case | None:
    """Move the clock, check the domain, and return its case."""
    simulator.control("POST", "clock", {"to": at.isoformat()})
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=at))
    sweep()
    run_batch(db.session.scalars(select(func.max(CheckBatch.id))).one())
    db.session.expire_all()
    return db.session.scalars(select(Case)).one_or_none()


def before_the_catch(ctx: Takeover) -> dict[str, Any]:
    account = deepcopy(ctx.account)
    account["security_events"] = []
    account["packages"][0]["last_release_at"] = "2014-12-19T00:00:00Z"
    return account


def test_the_ctx_story(ctx: Takeover, desk: Flask, simulator: Simulator, tmp_path: Path) -> None:
    bring(before_the_catch(ctx), tmp_path / "before.ndjson")
    lost = check(simulator, ctx.caught_at - timedelta(days=3))
    assert lost is not None
    assert (lost.phase, names(lost) & {"release_after", "reset_after"}) == ("pending_delete", set())

    caught = check(simulator, ctx.caught_at + timedelta(minutes=5))
    assert caught is not None
    assert (caught.phase, caught.holder_change) == ("active", "dropped_and_caught")
    calm = caught.risk
    assert not names(caught) & {"release_after", "reset_after"}

    bring(ctx.account, tmp_path / "after.ndjson")
    abused = check(simulator, ctx.first_malicious_at + timedelta(minutes=2))
    assert abused is not None
    assert abused.risk >= calm + 100
    assert {"release_after", "reset_after"} <= names(abused)
    reviewer = signed_in_client(desk)
    page = reviewer.get(f"/cases/{abused.id}").text
    assert "A package was released on 2022-05-14, after the change of holder (2022-05-14)" in page
    for drawn in ("Tidectx released", "Password reset"):
        assert re.search(rf"2022-05-14</time></span>\s*<span>\s*{drawn}", page), drawn

    form = f"/cases/{abused.id}/takeover"
    assert re.search(r'name="account"[^>]*checked', reviewer.get(form).text)
    account_id = db.session.scalars(select(Address.account_id)).one()
    fields = {"version": abused.version, "shown_count": 1, "whom": "chosen", "account": account_id, "note": "malware"}
    with assert_one_entry(Event.TAKEOVER_REPORTED):
        reply = post(reviewer, f"{form}/report", fields)
    assert reply.location == f"/cases/{abused.id}#takeovers"
    publish()
    told = pull(desk, ctx, tmp_path)
    assert [(item["kind"], item["effect"], item["account_id"]) for item in told] == [
        ("takeover_suspected", None, "ctx")
    ]
    db.session.expire_all()
    notice = db.session.scalars(select(Notice)).one()
    assert (notice.state, notice.settled_why) == ("applied", "locked the account and looks into it")
    page = reviewer.get(f"/cases/{abused.id}").text
    assert "Acted on by the source" in page
    assert "locked the account and looks into it" in page
    assert db.session.scalars(select(Address.verified)).one() is True


def names(case: Case) -> set[str]:
    return {part["name"] for part in case.risk_parts}


def pull(app: Flask, ctx: Takeover, folder: Path) -> list[dict[str, Any]]:
    """Let the demo's source pull and acknowledge; returns what it was served."""
    with writing() as session:
        source = session.scalars(select(Source)).one()
        token = create_token(session, source, Scope.UNVERIFICATIONS, runtime.domain_now(), system("test"))
    served: list[dict[str, Any]] = []

    def note(response: httpx.Response) -> None:
        response.read()
        served.extend(item for item in response.json()["items"] if "kind" in item)

    book = Registry(folder / "book.db")
    book.fill([ctx.account])
    with httpx.Client(
        transport=httpx.WSGITransport(app=app),
        base_url="http://console",
        headers={"Authorization": f"Bearer {token}"},
        event_hooks={"response": [note]},
    ) as client:
        assert take_page(client, book) == {"applied": 1}
        assert take_page(client, book) == {}
    book.close()
    return served
