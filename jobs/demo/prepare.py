"""What the demo's database holds before anything starts: the sample registry, its token, three sign-ins.

Every step may be repeated: a start that was killed half-way is finished by the next one.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.auth.passwords import passwords
from dashboard.auth.staff import add_staff, find_staff
from dashboard.auth.tokens import Scope, create_token
from dashboard.database import db, writing
from dashboard.models import Marker, Package, Role, Source
from dashboard.runtime import wall_now
from dashboard.services.importing import Transactions, import_accounts
from dashboard.services.importing.run import Import
from jobs.simulator.sample import sample_accounts
from jobs.simulator.world import DEMO_START
from jobs.supervisor.errors import WrongDatabaseError

SLUG = "demo-index"
MARK = "demo"
LOADED = "demo_loaded"
ACTOR = system("demo")
READ_OR_WRITE = 0o600


@dataclass(frozen=True, slots=True)
class SignIn:
    """A member of the demo's staff."""

    email: str
    role: str
    password: str


def prepare(app: Flask, state_dir: Path) -> list[SignIn]:
    """Fill the migrated database of the demo as far as it is not yet; return the sign-ins."""
    with app.app_context():
        try:
            _mark()
            _load_sample(state_dir)
            _issue_token(state_dir / "source-token")
            return _staff(state_dir / "sign-ins.json")
        finally:
            db.session.remove()
            db.engine.dispose()


def is_demo(session: Session) -> bool:
    """Whether the database belongs to the demo."""
    return session.get(Marker, MARK) is not None


def _mark() -> None:
    with writing() as session:
        if is_demo(session):
            return
        if session.scalar(select(func.count()).select_from(Source)):
            raise WrongDatabaseError("this database holds real sources: the demo will not touch it")
        session.add(Marker(name=MARK, value=SLUG))


def _load_sample(state_dir: Path) -> None:
    """Import the sample registry as `lapsewatch import accounts` does, once."""
    if db.session().get(Marker, LOADED):
        return
    with writing() as session:
        if session.scalar(select(Source).where(Source.slug == SLUG)) is None:
            name = "Demo Package Index"
            session.add(Source(slug=SLUG, name=name, created_at=DEMO_START, last_seq=0))
            _record(session, Event.SOURCE_ADDED, "source", {"name": name})
    sample = state_dir / "sample.ndjson"
    _write_private(sample, b"".join(orjson.dumps(account) + b"\n" for account in sample_accounts()))
    done = import_accounts(
        Import(sample, SLUG, state_dir / "sample.rejects.csv", spool_dir=state_dir, actor=ACTOR),
        Transactions(reading=_reading, writing=writing),
        now=DEMO_START,
    )
    with writing() as session:
        packages = session.scalar(select(func.count()).select_from(Package)) or 0
        counts = {"accounts": done.accounts, "addresses": done.addresses, "packages": packages}
        _record(session, Event.DEMO_LOADED, "demo", counts)
        session.add(Marker(name=LOADED, value=SLUG))


def _record(session: Session, event: Event, kind: str, data: Data) -> None:
    record(session, event, actor=ACTOR, object_type=kind, object_id=SLUG, data=data, now=DEMO_START)


@contextmanager
def _reading() -> Iterator[Session]:
    session = db.session()
    try:
        yield session
    finally:
        session.rollback()


def _issue_token(path: Path) -> None:
    """Give the stand-in source its token, kept where only its owner reads it."""
    if path.exists():
        return
    with writing() as session:
        source = session.scalars(select(Source).where(Source.slug == SLUG)).one()
        token = create_token(session, source, Scope.UNVERIFICATIONS, wall_now(), ACTOR)
    _write_private(path, token.encode())


def _staff(path: Path) -> list[SignIn]:
    """Have one member of staff a role, with the kept passwords, or new ones where none are kept."""
    kept = _kept_sign_ins(path)
    sign_ins = kept or [SignIn(f"{role}@demo.example", role, secrets.token_urlsafe(12)) for role in Role]
    if not kept:
        _write_private(path, json.dumps([asdict(sign_in) for sign_in in sign_ins], indent=2).encode())
    with writing() as session:
        for sign_in in sign_ins:
            staff = find_staff(session, sign_in.email)
            if staff is None:
                add_staff(session, sign_in.email, Role(sign_in.role), sign_in.password, wall_now(), ACTOR)
            elif not kept:
                staff.password_hash = passwords().hash(sign_in.password)
    return sign_ins


def _kept_sign_ins(path: Path) -> list[SignIn]:
    try:
        return [SignIn(**item) for item in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _write_private(path: Path, content: bytes) -> None:
    """Write the file in one step, readable by its owner alone."""
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_OR_WRITE), "wb") as file:
        file.write(content)
    draft.replace(path)
