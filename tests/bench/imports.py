"""Imports: rows a second of a CSV of 200,000 addresses on both databases, memory, and the ratio to a commit per row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dashboard.database import writing
from dashboard.models import Source
from tests.bench import by_row, stage
from tests.bench.report import Figure, Section
from tests.bench.stage import Stage

NAME = "import"
ROWS = 200_000
MORE = 400_000
ROUNDS = 3
BASELINE_ROWS = 3_000
ADDRESSES_A_DOMAIN = 5
TARGET = 45_000
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
HEADER = "account_id,username,two_factor,last_active_at,address_id,email,verified,verified_at,primary\n"
_ZONES = ("com", "org", "de", "co.uk", "nl", "io")


def run(bench: Stage, kinds: list[str], scale: float) -> Section:
    """Import the file and one twice as long, each into a fresh database, then row by row."""
    rows, more = round(ROWS * scale), round(MORE * scale)
    section = Section(NAME, f"Import of {rows:,} addresses (CSV)")
    section.notes += [
        f"{ADDRESSES_A_DOMAIN} addresses a domain, 1.3 an account; the whole import counts: survey, merge, audit entry",
        f"the best of {ROUNDS} rounds, each into a fresh database: other work on the machine only slows",
        "row by row: the same objects through the ORM, looked up first, one commit each, bare values unchecked",
    ]
    whole, double = bench.directory / "whole.csv", bench.directory / "double.csv"
    write_csv(whole, rows)
    write_csv(double, more)
    for kind in kinds:
        stage.tell(f"import: {rows:,} addresses on {kind}")
        larger = _import(bench, kind, double)
        measured = min((_import(bench, kind, whole) for _ in range(ROUNDS)), key=lambda each: each["seconds"])
        stage.tell(f"import: row by row on {kind}")
        base = _by_row(bench, kind, whole, min(BASELINE_ROWS, rows))
        section.figures += _figures(kind, measured, larger, base)
    return section


def _figures(kind: str, measured: dict[str, Any], larger: dict[str, Any], base: float) -> list[Figure]:
    rate = measured["rows"] / measured["seconds"]
    return [
        Figure(f"{kind}: rows", rate, "/s", TARGET),
        Figure(f"{kind}: own CPU time of 1,000 rows, both processes", measured["cpu"] / measured["rows"] * 1e6, "ms"),
        Figure(f"{kind}: one commit a row (ORM)", base, "/s"),
        Figure(f"{kind}: against a commit a row", rate / base, "x"),
        Figure(f"{kind}: memory grown, {measured['rows']:,} rows", measured["grown_mb"], "MB"),
        Figure(f"{kind}: memory grown, {larger['rows']:,} rows", larger["grown_mb"], "MB"),
    ]


def write_csv(path: Path, rows: int) -> None:
    """Write `rows` addresses of accounts that have 1.3 of them each."""
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(rows):
            account = number * 10 // 13
            active = NOW - timedelta(minutes=account % 500_000)
            verified = NOW - timedelta(minutes=number % 2_000_000)
            domain = number // ADDRESSES_A_DOMAIN
            file.write(
                f"acc-{account},user{account},{'true' if account % 3 else 'false'},{active:%Y-%m-%dT%H:%M:%SZ},"
                f"addr-{number},user{number}@bench-{domain:06}.{_ZONES[domain % len(_ZONES)]},true,"
                f"{verified:%Y-%m-%dT%H:%M:%SZ},{'false' if number % 13 % 4 == 3 else 'true'}\n"
            )


def _import(bench: Stage, kind: str, file: Path) -> dict[str, Any]:
    with bench.database(kind) as url:
        _add_source(bench, url)
        settings = {"LAPSEWATCH_DATABASE_URL": url, "LAPSEWATCH_STATE_DIR": str(bench.directory / "state")}
        with stage.python("import_worker.py", [str(file)], settings) as process:
            return stage.answer(process)


def _by_row(bench: Stage, kind: str, file: Path, rows: int) -> float:
    with bench.database(kind) as url:
        _add_source(bench, url)
        with stage.application(url, bench.directory):
            return by_row.rows_per_second(file, rows, NOW)


def _add_source(bench: Stage, url: str) -> None:
    with stage.application(url, bench.directory), writing() as session:
        session.add(Source(slug="bench", name="Bench", created_at=NOW))
