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
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
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
        timeout=60,
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
    run(environ, "source", "add", "index", "--name", "Index")
    engine = create_engine(environ["LAPSEWATCH_DATABASE_URL"])
    arguments = ("import", "accounts", "--source", "index", str(file), "--json")
    process = subprocess.Popen([LAPSEWATCH, *arguments], env=os.environ | environ, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while count(engine, "addresses") == 0 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    stored = count(engine, "addresses")
    assert 0 < stored < ROWS

    result = json.loads(run(environ, *arguments))
    assert (result["resumed_from"], result["rows"]) == (stored, ROWS)
    assert (count(engine, "accounts"), count(engine, "addresses"), count(engine, "domains")) == (20_000, ROWS, 7000)
    assert (count(engine, "import_runs"), count(engine, "audit_entries")) == (1, 2)
    assert json.loads(run(environ, *arguments))["unchanged"]
    engine.dispose()
