"""`make drill`: do workers that die at random keep to every server's pace? The servers' own journals say.

Four worker processes ask a simulated registry, a WHOIS server and a status API over sockets, through the product's
clients, sharing their pace in a real Valkey. One after the other is killed (SIGKILL) and started anew. Days are short:
a window of a day is `--day` seconds long, and so much smaller. Afterwards every sliding window, rate and number of
requests in flight is counted from what the servers saw.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.providers.pace.table import Pace, Window
from tests.support import processes
from tests.support.simulator import Simulator, running_simulator
from tests.support.valkey import temporary_valkey

WORKER = Path(__file__).with_name("worker.py")
WORKERS = 4
REPLY_MS = 200
SHORT = 10
"""Seconds of the day that the paces below are written for."""

PACES: Mapping[str, Pace] = {
    "rdap": Pace(12.0, in_flight=3, windows=(Window(70, SHORT),)),
    "whois": Pace(5.0, in_flight=1, windows=(Window(8, 2), Window(24, SHORT))),
    "fastly": Pace(25.0, in_flight=5, windows=(Window(120, SHORT),)),
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request as its server saw it; seconds."""

    came: float
    left: float


@dataclass(frozen=True, slots=True)
class Finding:
    """The most that a server saw of something, what it bears, and how much was asked of it in all."""

    server: str
    what: str
    most: int
    bears: int
    total: int

    @property
    def kept(self) -> bool:
        """Whether the server was never asked more than it bears."""
        return self.most <= self.bears


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a drill."""

    findings: tuple[Finding, ...]
    kills: int
    seconds: float


def drill(seconds: float, day: int = SHORT, seed: int = 4) -> Result:
    """Run the drill for `seconds`, with days of `day` seconds, and count."""
    paces = {name: scaled(pace, day) for name, pace in PACES.items()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lw-drill-")))
        redis = stack.enter_context(temporary_valkey())
        registry = stack.enter_context(simulator(folder / "registry"))
        status_api = stack.enter_context(simulator(folder / "status-api"))
        endpoints = {
            "rdap": registry.endpoints["http"],
            "whois": registry.endpoints["whois"],
            "fastly": status_api.endpoints["http"],
        }
        plan = folder / "plan.json"
        plan.write_text(json.dumps({
            "redis": redis,
            "settings": environ(folder, registry, status_api),
            # IANA's stand-in is on the registry's server, and its one file a worker counts as a request too.
            "paces": {endpoints[name]: asdict_pace(pace) for name, pace in paces.items()},
        }))  # fmt: skip
        kills = let_them_die(plan, seconds, random.Random(seed))
        visits = {
            "rdap": read_journal(folder / "registry" / "journal", {"rdap", "registrar"}),
            "whois": read_journal(folder / "registry" / "journal", {"whois"}),
            "fastly": read_journal(folder / "status-api" / "journal", {"fastly"}),
        }
    found = [finding for name, pace in paces.items() for finding in count(name, pace, visits[name])]
    return Result(tuple(found), kills, seconds)


def scaled(pace: Pace, day: int) -> Pace:
    """Stretch the windows to days of so many seconds."""
    stretch = day / SHORT
    windows = tuple(Window(round(w.limit * stretch), round(w.seconds * stretch)) for w in pace.windows)
    return Pace(pace.rate, pace.in_flight, windows)


def asdict_pace(pace: Pace) -> dict[str, object]:
    return asdict(pace) | {"windows": [[window.limit, window.seconds] for window in pace.windows]}


def simulator(folder: Path) -> AbstractContextManager[Simulator]:
    folder.mkdir()
    return running_simulator(
        folder, ("--speed", "0", "--latency-ms", str(REPLY_MS), "--journal", str(folder / "journal"))
    )


def environ(folder: Path, registry: Simulator, status_api: Simulator) -> dict[str, str]:
    allowed = registry.endpoints["http"], registry.endpoints["whois"], status_api.endpoints["http"]
    return registry.environ | {
        "LAPSEWATCH_STATE_DIR": str(folder),
        "LAPSEWATCH_FASTLY_URL": status_api.endpoints["fastly_url"],
        "LAPSEWATCH_WHOIS_SERVERS": f"*={registry.endpoints['whois']}",
        "LAPSEWATCH_ALLOWED_ENDPOINTS": ",".join(allowed),
    }


def let_them_die(plan: Path, seconds: float, dice: random.Random) -> int:
    """Keep four workers running for `seconds`, killing one at random every other moment; return how many were."""

    def start() -> subprocess.Popen[bytes]:
        return processes.start([sys.executable, WORKER, plan], death_signal=signal.SIGKILL)

    crew = [start() for _ in range(WORKERS)]
    kills, until = 0, time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, dice.uniform(0.5, 2.5)))
            if any(worker.poll() is not None for worker in crew):
                raise RuntimeError("a worker died by itself")
            doomed = dice.randrange(WORKERS)
            processes.stop(crew[doomed], signal.SIGKILL)
            crew[doomed] = start()
            kills += 1
    finally:
        for worker in crew:
            processes.stop(worker, signal.SIGKILL)
    return kills


def read_journal(path: Path, providers: set[str]) -> list[Visit]:
    """Read what a server noted, in the order the requests came."""
    lines = map(json.loads, path.read_text().splitlines())
    visits = [Visit(line["from"], line["to"]) for line in lines if line["provider"] in providers]
    return sorted(visits, key=lambda visit: visit.came)


def count(name: str, pace: Pace, visits: Sequence[Visit]) -> list[Finding]:
    """Compare what a server saw with what it bears."""
    came, total = [visit.came for visit in visits], len(visits)
    # A turn may be used late, but no more of them at once than may be in flight.
    a_second = int(pace.rate) + pace.in_flight + 1
    found = [
        Finding(name, f"in {window.seconds} s", most_in(came, window.seconds), window.limit, total)
        for window in pace.windows
    ]
    found.append(Finding(name, "in a second", most_in(came, 1.0), a_second, total))
    return [*found, Finding(name, "in flight", most_at_once(visits), pace.in_flight, total)]


def most_in(times: Iterable[float], span: float) -> int:
    """The most of `times` (sorted) within any `span` seconds."""
    held, most = deque[float](), 0
    for moment in times:
        held.append(moment)
        while held[0] <= moment - span:
            held.popleft()
        most = max(most, len(held))
    return most


def most_at_once(visits: Iterable[Visit]) -> int:
    """The most requests that were with the server at the same time."""
    steps = sorted([(visit.left, -1) for visit in visits] + [(visit.came, 1) for visit in visits])
    running = most = 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and say with the exit status whether a server was asked more than it bears."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="how long the workers ask")
    parser.add_argument("--day", type=int, default=60, help="seconds of a day")
    parser.add_argument("--seed", type=int, default=4, help="of the dice that say who dies when")
    given = parser.parse_args(arguments)
    result = drill(given.seconds, given.day, given.seed)
    print(
        f"{WORKERS} workers for {given.seconds:g} s, days of {given.day} s, {result.kills} killed and started anew\n"
    )
    print(f"{'server':<8} {'':<12} {'most':>6} {'bears':>6} {'asked':>7}")
    for one in result.findings:
        print(
            f"{one.server:<8} {one.what:<12} {one.most:>6} {one.bears:>6} {one.total:>7}{'' if one.kept else '  TOO MANY'}"
        )
    return 0 if all(one.kept for one in result.findings) else 1


if __name__ == "__main__":
    raise SystemExit(main())
