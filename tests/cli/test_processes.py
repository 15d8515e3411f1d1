"""The installed command in processes of its own: quick to answer, and killed in the middle of an import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

HEADER = "account_id,username,two_factor,last_active_at,address_id,email,verified,verified_at,primary\n"
ROWS = 40_000
LAPSEWATCH = Path(sys.executable).with_name("lapsewatch")


def run(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [LAPSEWATCH, *arguments], env=os.environ | environ, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_help_imports_neither_the_application_nor_the_database() -> None:
    script = (
        "import sys, wsgi\n"
        "try: wsgi.lapsewatch(['--help'], prog_name='lapsewatch')\n"
        "except SystemExit: pass\n"
        "heavy = {'flask', 'sqlalchemy', 'rq', 'redis', 'httpx', 'gunicorn', 'psycopg', 'rich'} & sys.modules.keys()\n"
        "sys.exit(repr(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "statistics" in done.stdout


def test_the_wsgi_module_builds_its_application_when_asked(environ: dict[str, str]) -> None:
    script = "import sys, wsgi; assert 'flask' not in sys.modules; print(wsgi.app.name, wsgi.app is wsgi.app)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout == "dashboard True\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    lines = (
        f"acc{n // 2},user{n // 2},,,adr{n},user@sample-{n % 7000}.com,true,2020-01-01T00:00:00Z,true\n"
        for n in range(ROWS)
    )
    path.write_text(HEADER + "".join(lines))
    return path


def test_a_killed_import_goes_on_and_ends_as_if_nothing_had_happened(environ: dict[str, str], file: Path) -> None:
    engine = create_engine(environ["LAPSEWATCH_DATABASE_URL"])
    for attempt in range(1, 6):
        run(environ, "source", "add", f"index{attempt}", "--name", "Index")
        arguments = ("import", "accounts", "--source", f"index{attempt}", str(file), "--json")
        before = count(engine, "addresses")
        if killed_at_work(environ, engine, arguments):
            break
    else:
        pytest.fail("each of five imports was done before it could be killed")
    stored = count(engine, "addresses") - before
    assert 0 < stored < ROWS

    result = json.loads(run(environ, *arguments))
    assert (result["resumed_from"], result["rows"]) == (stored, ROWS)
    done = attempt * ROWS
    assert (count(engine, "accounts"), count(engine, "addresses"), count(engine, "domains")) == (
        done // 2,
        done,
        7000,
    )
    assert (count(engine, "import_runs"), count(engine, "audit_entries")) == (attempt, 2 * attempt)
    assert json.loads(run(environ, *arguments))["unchanged"]
    engine.dispose()


def killed_at_work(environ: dict[str, str], engine: Engine, arguments: tuple[str, ...]) -> bool:
    """Kill an import once something of it is stored; False where all of it was, before that was seen."""
    before = count(engine, "addresses")
    process = subprocess.Popen([LAPSEWATCH, *arguments], env=os.environ | environ, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while count(engine, "addresses") == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while sessions(engine) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)  # what it had sent is still being done
    assert process.returncode in {0, -signal.SIGKILL}
    return process.returncode != 0 and count(engine, "addresses") < before + ROWS


def sessions(engine: Engine) -> int:
    """How many are connected to the database, ours among them; SQLite has no server that would outlive them."""
    if engine.dialect.name == "sqlite":
        return 1
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())
