"""A temporary PostgreSQL cluster on a unix socket, or the server at `LAPSEWATCH_TEST_POSTGRES_URL`."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support import processes

VARIABLE = "LAPSEWATCH_TEST_POSTGRES_URL"
START_SECONDS = 120.0
# What a crash would lose is of no worth here; the rest keeps PostgreSQL's own settings, so that plans are real.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "listen_addresses": "",
}


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`: Debian's newest, else the one on PATH; None where there is none."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    newest = sorted(versions, key=lambda folder: [int(part) for part in folder.parent.name.split(".")], reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*newest, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((each for each in candidates if (each / "initdb").exists() and (each / "postgres").exists()), None)


def why_missing() -> str | None:
    """Why no PostgreSQL can be had, with what to do about it; None when one can."""
    if os.environ.get(VARIABLE) or programs():
        return None
    return f"PostgreSQL's programs were not found (apt-get install postgresql) and {VARIABLE} is not set"


@dataclass(slots=True)
class Cluster:
    """A server on which tests make databases of their own; `url` is the one to connect to for that."""

    url: URL
    prefix: str = ""
    _made: set[str] = field(default_factory=set)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make the database `name` anew and return its SQLAlchemy URL.

        `template` is another `name` made here before, to be copied; nobody may be connected to it.
        """
        source = template if template == "template0" else self.prefix + template
        self.drop_database(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(statement.format(sql.Identifier(self.prefix + name), sql.Identifier(source)))
        self._made.add(name)
        return self.url.set(database=self.prefix + name).render_as_string(hide_password=False)

    def drop_database(self, name: str) -> None:
        """Drop the database `name`, if there is one, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.prefix + name)))
        self._made.discard(name)

    def drop_all(self) -> None:
        """Drop every database made here."""
        for name in sorted(self._made):
            self.drop_database(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(conninfo(self.url), autocommit=True) as connection:
            connection.execute(statement)


def conninfo(url: URL | str) -> str:
    """The same address in libpq's own form, for psycopg itself and for `psql`."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """The named server, else a temporary one; whatever was made on it is gone afterwards."""
    named = os.environ.get(VARIABLE)
    if named:
        # A server that others use as well: names of our own, and nothing left behind.
        shared = Cluster(make_url(named).set(drivername="postgresql+psycopg"), f"lapsewatch_{uuid.uuid4().hex[:8]}_")
        try:
            yield shared
        finally:
            shared.drop_all()
    else:
        with temporary_cluster() as own:
            yield own


@contextlib.contextmanager
def temporary_cluster() -> Iterator[Cluster]:
    """Start a server of our own in a new directory, reachable over its unix socket alone, and stop it at the end."""
    folder = programs()
    if folder is None:
        raise RuntimeError(why_missing())
    with processes.short_directory("lw-pg-") as base:
        user = _unprivileged(base)
        _initialise(folder, base, user)
        settings = [part for name, value in FAST.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [folder / "postgres", "-D", base / "data", "-k", base, *settings]
        with (base / "log").open("wb") as log:
            # SIGINT is PostgreSQL's fast shutdown: it ends every session and does not wait for them.
            server = processes.start(
                command, death_signal=signal.SIGINT, cwd=base, stdout=log, stderr=subprocess.STDOUT, **user
            )
        try:
            url = URL.create("postgresql+psycopg", "lapsewatch", database="postgres", query={"host": str(base)})
            _wait_until_ready(server, url, base / "log")
            yield Cluster(url)
        finally:
            processes.stop(server, signal.SIGINT)


def _unprivileged(base: Path) -> dict[str, Any]:
    """Popen's options for a user whom PostgreSQL accepts: it refuses root. The directory becomes that user's."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = known.get("postgres") or known["nobody"]
    os.chown(base, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _initialise(folder: Path, base: Path, user: dict[str, Any]) -> None:
    command: list[str | Path] = [
        folder / "initdb",
        "-D",
        base / "data",
        "-U",
        "lapsewatch",
        "-A",
        "trust",
        "--no-sync",
    ]
    process = processes.start(
        [*command, "--encoding=UTF8", "--locale=C"],
        cwd=base,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **user,
    )
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"initdb failed:\n{output.decode(errors='replace')}")


def _wait_until_ready(server: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(conninfo(url)).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}") from error
            time.sleep(0.02)
        else:
            return
