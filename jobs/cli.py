"""The commands of this wing: whole process trees, single processes, and checks by hand.

Each command imports what it runs when it runs, so that `--help` stays quick (hence the PLC0415).
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from dashboard.config import SettingError, Settings, load_settings
from jobs.cli_evidence import evidence
from jobs.supervisor.errors import InTheWayError

P = ParamSpec("P")
T = TypeVar("T")

Port = click.IntRange(1, 65535)
say = functools.partial(print, flush=True)


def _clear_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Tell what is in the way in one line instead of a traceback."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (SettingError, InTheWayError) as error:
            raise click.ClickException(str(error)) from error

    return told


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


@click.command()
@click.option("--port", type=Port, default=8000, show_default=True, help="Where the console listens.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Where everything is kept.",
)
@_clear_errors
def demo(port: int, state_dir: Path) -> None:
    """Run the console with a sample registry and a simulated outside world.

    \b
    lapsewatch demo
    lapsewatch demo --port 8080
    """
    from jobs.demo.tree import run_demo  # noqa: PLC0415

    run_demo(state_dir, port, os.environ, say)


@click.command()
@click.option("--port", type=Port, help="Where the console listens (default: LAPSEWATCH_PORT, else 8000).")
@_clear_errors
def run(port: int | None) -> None:
    """Run the console for real use: web, workers, scheduler and an embedded queue.

    \b
    lapsewatch run
    LAPSEWATCH_DATABASE_URL=postgresql://... lapsewatch run --port 8080
    """
    from jobs.supervisor.run import run as run_tree  # noqa: PLC0415

    run_tree(_settings(port), say)


@click.command()
@click.option("--port", type=Port, help="Where the console listens (default: LAPSEWATCH_PORT, else 8000).")
@_clear_errors
def web(port: int | None) -> None:
    """Serve the console alone, with gunicorn.

    \b
    LAPSEWATCH_REDIS_URL=redis://... lapsewatch web --port 8080
    """
    from jobs.web import serve  # noqa: PLC0415

    _log_to_stderr()
    serve(_settings(port))


@click.command()
@_clear_errors
def worker() -> None:
    """Run jobs from the queue until told to stop.

    \b
    LAPSEWATCH_REDIS_URL=redis://... lapsewatch worker
    """
    from jobs.worker import run_worker  # noqa: PLC0415

    _log_to_stderr()
    sys.exit(run_worker())


@click.command()
@_clear_errors
def scheduler() -> None:
    """Enqueue the periodic jobs; a second scheduler does no harm.

    \b
    LAPSEWATCH_REDIS_URL=redis://... lapsewatch scheduler
    """
    from dashboard.app import create_app  # noqa: PLC0415
    from jobs.schedule import run_scheduler  # noqa: PLC0415

    _log_to_stderr()
    run_scheduler(create_app())


@click.command()
@click.option("--now", "here", is_flag=True, help="Check in this process, without the queue.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@_clear_errors
def sweep(*, here: bool, as_json: bool) -> None:
    """Check the domains that are due, instead of waiting for the scheduler.

    \b
    lapsewatch sweep
    lapsewatch sweep --now
    """
    from jobs.context import job_context  # noqa: PLC0415

    with job_context():
        done = _sweep_here() if here else _sweep_queued()
    click.echo(json.dumps(done) if as_json else ", ".join(f"{what}: {count}" for what, count in done.items()))


def _sweep_here() -> dict[str, int]:
    """Claim what is due and check it, batch after batch."""
    from jobs.checks import claim_next, run_batch  # noqa: PLC0415

    totals: Counter[str] = Counter()
    for batch_id in iter(claim_next, None):
        totals.update(run_batch(batch_id), batches=1)
    return {"batches": 0, **totals}


def _sweep_queued() -> dict[str, int]:
    """Have a worker sweep; nothing is added when a sweep waits already."""
    from dashboard.queue import JobName, enqueue  # noqa: PLC0415

    return {"enqueued": int(enqueue(JobName.SWEEP, unique="sweep"))}


@click.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@_clear_errors
def check(domains: tuple[str, ...], *, as_json: bool) -> None:
    """Ask the providers about domains now and show the assessment; nothing is stored.

    \b
    lapsewatch check example.com example.org
    lapsewatch check example.com --json
    """
    from jobs.checks import check_now  # noqa: PLC0415

    found = check_now(domains)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for assessment in found:
            _show(assessment)


def _show(assessment: dict[str, Any]) -> None:
    click.echo(f"{assessment['domain']}: {assessment['phase']} ({assessment['confidence']})")
    for reason in assessment["reasons"]:
        click.echo(f"  {reason}")
    click.echo(f"  recommendation: {assessment['recommendation']}")


def _settings(port: int | None) -> Settings:
    settings = load_settings()
    return replace(settings, port=port) if port else settings


commands = [demo, run, web, worker, scheduler, sweep, check, evidence]
