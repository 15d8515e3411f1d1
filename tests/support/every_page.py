"""Every screen with something on it: a small world with all that screens can show, and the address of each page.

The pages come from the application's routes, so that a screen to come is found by itself; one whose address has a
part that is not known here fails the test that asks for it, until `values` says what to put there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from dashboard.audit.actor import Actor, ActorKind
from dashboard.auth.identity import access_of
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Phase, Provider
from dashboard.models import (
    Account,
    Address,
    AllowListEntry,
    AuditEntry,
    Brake,
    BulkAction,
    Case,
    Decision,
    DecisionKind,
    Domain,
    EvidenceRecord,
    Source,
    Unverification,
    UnverificationState,
)
from dashboard.services.acknowledge import Ack, acknowledge
from dashboard.services.allow_list.entries import add_entry, end_entry, switch_preset
from dashboard.services.allow_list.values import read_wanted
from dashboard.services.checking.counts import count_look_ups
from dashboard.services.decide import DecisionRequest, decide
from dashboard.services.notes import write_note
from dashboard.services.publish import publish
from dashboard.services.reasons import Keeper, add_template, retire_reason
from jobs.allow_list import settle
from tests import factories as make
from tests.conftest import START
from tests.support import every_bulk, story

DAY = timedelta(days=1)
SECRET = "zebrafinch"
"""Part of every address's local part: wherever it is shown, an address is."""
LAPSED, CAUGHT, DECIDED, KEPT, ALLOWED, FINE = (
    "lapsing-parcels.com",
    "caught-parcels.com",
    "decided-parcels.com",
    "kept-parcels.com",
    "allowed-parcels.com",
    "xn--bcher-kva.net",
)
EXTRA = (
    "/cases?state=all",
    "/cases?state=decided",
    "/cases?phase=hold",
    "/domains?q=nothing-like-it",
    "/domains?overdue=1",
    "/allow-list?ended=1",
    "/allow-list?kind=mx",
    "/audit?event=case.approved",
    "/audit?actor=staff:999",
    "/no-such-page",
)
"""Pages that no route alone leads to: filtered, empty, missing."""


@dataclass(frozen=True, slots=True)
class World:
    """What to put in the addresses of pages, by the name of the part, or by endpoint and name."""

    values: dict[str, list[object]]


def build() -> World:
    """Fill the database of the current application."""
    with writing() as session:
        staff = story.add_staff(session)
        source = story.add_source(session)
        for number, name in enumerate((LAPSED, CAUGHT, DECIDED, KEPT, ALLOWED, FINE)):
            domain = story.add_domain(session, name, due_at=START + 90 * DAY)
            story.add_accounts(session, source, domain, 1 + number % 3)
        _histories(session)
        actor = Actor(ActorKind.STAFF, str(staff.id))
    for name in (LAPSED, DECIDED, KEPT, ALLOWED):
        _check(name, [story.rdap(name, START, Phase.REDEMPTION, expires_at=START - 40 * DAY), story.dns(name, START)])
    caught = story.rdap(CAUGHT, START, registered_at=START - 30 * DAY, handle="H9", expires_at=START + 300 * DAY)
    _check(CAUGHT, [caught, story.fastly(CAUGHT, START), story.dns(CAUGHT, START)])
    _check(FINE, [story.rdap(FINE, START), story.failure(FINE, START, Provider.FASTLY, ErrorKind.THROTTLED)])
    _decide(DECIDED, DecisionKind.APPROVE, actor)
    _decide(KEPT, DecisionKind.OVERRIDE, actor)
    _allow(actor)
    _settle_unverifications()
    _desk(actor)
    every_bulk.build()
    with writing() as session:
        _brakes(session)
        session.execute(update(Address).values(local_part=Address.external_id + f".{SECRET}"))
    return World(_values())


def pages(app: Flask, world: World) -> Iterator[str]:
    """Yield the address of every page that staff, or somebody who is not signed in, can open."""
    for rule in app.url_map.iter_rules():
        access = access_of(app.view_functions[rule.endpoint])
        if rule.endpoint == "static" or "GET" not in (rule.methods or ()) or (access and access.scope):
            continue
        yield from _addresses(rule, world)
    yield from EXTRA


def _addresses(rule: Rule, world: World) -> Iterator[str]:
    names = re.findall(r"<(?:[^<>]*:)?(\w+)>", rule.rule)
    choices = [world.values.get(f"{rule.endpoint}.{name}", world.values.get(name)) for name in names]
    assert None not in choices, f"say in tests/support/every_page.py what to put into {rule.rule}"
    for chosen in itertools.product(*[each or [] for each in choices]):
        filled = iter(map(str, chosen))
        yield re.sub(r"<[^<>]+>", lambda _: next(filled), rule.rule)  # noqa: B023  used up before the next turn


def _histories(session: Session) -> None:
    """Give the first accounts what a page of an account can show."""
    account = session.scalars(select(Account).order_by(Account.id)).first()
    assert account
    account.two_factor = None
    make.make_package(session, account, "parcel-tools", critical=True, last_release_at=START - DAY)
    for kind in ("login", "password_reset", "token_created"):
        make.make_event(session, account, kind, START - DAY)
    make.make_address(session, account, None, host="localhost", is_primary=False)


def _check(name: str, evidence: list[Evidence]) -> None:
    with writing() as session:
        ident = session.scalars(select(Domain.id).where(Domain.name == name)).one()
    story.check(ident, evidence, START)


def _decide(name: str, kind: DecisionKind, actor: Actor) -> None:
    reason = "lapsed" if kind is DecisionKind.APPROVE else "owner_confirmed"
    with writing() as session:
        case = session.scalars(select(Case).join(Domain).where(Domain.name == name)).one()
        asked = DecisionRequest(case.id, case.version, kind, reason, "Seen by two providers.")
        assert decide(session, asked, actor, 1, START).refusal is None


def _desk(actor: Actor) -> None:
    with writing() as session:
        keeper = Keeper(actor, 1, START)
        retire_reason(session, 3, keeper)
        add_template(session, DecisionKind.APPROVE, "No answer", "Asked the owner twice.", keeper)
        colleague = story.add_staff(session, "colleague@desk.test")
        for case in session.scalars(select(Case)).all():
            write_note(session, case.id, "@rita, have you seen this?", actor, colleague.id, START)


def _allow(actor: Actor) -> None:
    with writing() as session:
        add_entry(
            session, read_wanted("domain", ALLOWED, "The owner renews by hand", "2026-12-24", START), actor, 1, START
        )
        add_entry(session, read_wanted("mx", "google.com", "A drill", "", START), actor, 1, START)
        ended = add_entry(session, read_wanted("suffix", "ac.uk", "A drill", "", START), actor, 1, START)
        end_entry(session, ended.id, "The drill is over", actor, 1, START)
        switch_preset(session, "gmail.com", "A drill", actor, 1, START, on=False)
    settle()


def _settle_unverifications() -> None:
    with writing() as session:
        publish(session, START)
        source = session.scalars(select(Source)).one()
        items = session.scalars(select(Unverification)).all()
        results = itertools.cycle([UnverificationState.APPLIED, UnverificationState.STALE])
        acks = [Ack(item.public_id, result, "said so") for item, result in zip(items, results, strict=False)]
        acknowledge(session, source.id, source.slug, acks, Actor(ActorKind.SOURCE, source.slug), START)


def _brakes(session: Session) -> None:
    for released in (None, START):
        brake = Brake(scope="tld", provider="rdap", tld="net", mode="share", opened_at=START - DAY)
        brake.lapsed, brake.checked, brake.limit_per_mille = 41, 200, 4000
        brake.released_at, brake.released_by = released, 1 if released else None
        brake.released_how = "released" if released else None
        session.add(brake)
    asked, failed = {(Provider.RDAP, "rdap.example"): 90}, {(Provider.RDAP, "rdap.example", ErrorKind.TIMEOUT): 3}
    count_look_ups(session, START, asked, failed)


def _values() -> dict[str, list[object]]:
    session = db.session()
    ids = {
        "bulk_id": select(BulkAction.id).order_by(BulkAction.id),
        "bulk.items.bulk_id": select(BulkAction.id).where(BulkAction.state == "previewed"),
        "bulk.export.bulk_id": select(BulkAction.id).limit(1),
        "decision_id": select(Decision.id).order_by(Decision.id).limit(2),
        "case_id": select(Case.id).order_by(Case.id).limit(6),
        "account_id": select(Account.id).order_by(Account.id).limit(3),
        "evidence_id": select(EvidenceRecord.id).order_by(EvidenceRecord.id).limit(2),
        "entry_id": select(AllowListEntry.id),
        "seq": select(AuditEntry.seq).order_by(AuditEntry.seq.desc()).limit(3),
        "name": select(Domain.name).order_by(Domain.id).limit(6),
        "address_id": select(Address.id).order_by(Address.id).limit(1),
    }
    values: dict[str, list[object]] = {name: list(session.scalars(query)) for name, query in ids.items()}
    values |= {"allow_list.show_preset.name": ["gmail.com", "web.de"], "kind": ["csv", "json"]}
    session.rollback()
    return values
