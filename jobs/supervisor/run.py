"""`lapsewatch run`: the product as one process tree on one machine, with an embedded queue unless one is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import flask_migrate
from flask import Flask

from dashboard.app import create_app
from dashboard.auth.setup import is_needed, issue_setup_code
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.runtime import wall_now
from jobs.demo.prepare import is_demo
from jobs.supervisor import valkey
from jobs.supervisor.children import embedded_valkey, product, reachable
from jobs.supervisor.errors import WrongDatabaseError
from jobs.supervisor.locks import only_one
from jobs.supervisor.ports import check_free
from jobs.supervisor.tree import Child, Supervisor

Say = Callable[[str], None]
OWNER_ONLY = 0o077


@dataclass(frozen=True, slots=True)
class Queue:
    """Where the queue is: its address, and the child that serves it when it is embedded."""

    url: str
    child: Child | None


def migrate(app: Flask) -> None:
    """Bring the database to the newest form."""
    with app.app_context():
        try:
            flask_migrate.upgrade()
        finally:
            db.session.remove()
            db.engine.dispose()


def queue_of(settings: Settings) -> Queue:
    """Return the queue named in the settings, else the embedded one; a left-over server is stopped first."""
    if settings.redis_url:
        return Queue(settings.redis_url, None)
    socket = valkey.socket_path(settings.state_dir)
    valkey.stop_left_over(socket)
    return Queue(valkey.url_of(socket), embedded_valkey(socket, valkey.server_binary(settings.valkey_server)))


def run(settings: Settings, say: Say) -> None:
    """Run the product until told to stop. Errors name what is in the way, before anything is started."""
    os.umask(OWNER_ONLY)
    valkey.private(settings.state_dir)
    with ExitStack() as stack:
        stack.enter_context(only_one(settings.state_dir / "lock"))
        check_free(settings.host, settings.port)
        queue = queue_of(settings)
        code = _prepare(create_app(settings))
        environment = {
            "LAPSEWATCH_STATE_DIR": str(settings.state_dir),
            "LAPSEWATCH_REDIS_URL": queue.url,
            "LAPSEWATCH_HOST": settings.host,
            "LAPSEWATCH_PORT": str(settings.port),
        }
        children = [queue.child] if queue.child else []
        children += product(settings, lambda: environment)
        Supervisor(children, say).run(lambda: _greet(settings, code, say))


def _prepare(app: Flask) -> str | None:
    """Migrate; return a setup code while there is no staff. `WrongDatabaseError` for a database of the demo."""
    migrate(app)
    with app.app_context():
        try:
            if is_demo(db.session()):
                raise WrongDatabaseError("this database belongs to the demo; `run` needs one of its own")
            if not is_needed(db.session()):
                return None
            with writing() as session:
                return issue_setup_code(session, wall_now())
        finally:
            db.session.remove()
            db.engine.dispose()


def address(settings: Settings) -> str:
    """Return the address to open in a browser."""
    host = reachable(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _greet(settings: Settings, code: str | None, say: Say) -> None:
    say("")
    say(f"Lapsewatch is at {address(settings)}")
    if code:
        say(f"Make the first admin at {address(settings)}/setup with the setup code {code}")
        say("The code is good once, for 15 minutes; start again for another one.")
    say("Ctrl-C stops everything.")
    say("")
