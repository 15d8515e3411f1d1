"""`python -m jobs.simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import FaultTable, parse_fault
from jobs.simulator.sample import sample_world
from jobs.simulator.server import Options, serve
from jobs.simulator.world import DEMO_START, World


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and serve until told to stop."""
    given = _parser().parse_args(arguments)
    given.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    world = World.load(given.world) if given.world else sample_world()
    clock = SimulatedClock.open(given.clock or given.state_dir / "clock.json", given.start, given.speed)
    options = Options(
        http_port=given.http_port,
        dns_port=given.dns_port,
        whois_port=given.whois_port,
        parents_port=given.parents_port,
        latency_ms=given.latency_ms,
        dns_latency_ms=given.dns_latency_ms,
        journal=given.journal,
    )
    asyncio.run(serve(world, clock, given.state_dir, options, FaultTable(*given.fault)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.simulator", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="where endpoints.json appears when all listens")
    parser.add_argument("--world", type=Path, help="a world file, one domain a line; without it the sample's world")
    parser.add_argument("--clock", type=Path, help="the clock file to own (default: clock.json in the state folder)")
    parser.add_argument("--start", type=_moment, default=DEMO_START, help="domain time of the very first start")
    parser.add_argument("--speed", type=float, help="domain seconds a second (default: as before, at first 1800)")
    for name in ("http", "dns", "whois", "parents"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="default: any free port")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="before every HTTP and WHOIS reply")
    parser.add_argument("--dns-latency-ms", type=float, default=0.0, help="before every DNS reply")
    parser.add_argument("--journal", type=Path, help="a file to note every HTTP and WHOIS request in, one a line")
    parser.add_argument(
        "--fault", type=parse_fault, action="append", default=[], help="PROVIDER:MODE[:PATTERN], as rdap:429:.com"
    )
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


if __name__ == "__main__":
    main()
