"""`lapsewatch demo`: the product's process tree with a simulated outside world and a stand-in source around it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.app import create_app
from dashboard.config import Settings, load_settings
from jobs.demo.prepare import SignIn, prepare
from jobs.supervisor.children import product, python
from jobs.supervisor.locks import only_one
from jobs.supervisor.ports import check_free
from jobs.supervisor.run import OWNER_ONLY, address, migrate, queue_of
from jobs.supervisor.tree import Child, Supervisor
from jobs.supervisor.valkey import private

# Everything stays on the machine: names are looked up in the simulator, and only its address may be asked.
LOOPBACK = "127.0.0.1"
SWEEP_SECONDS = "5"
RATE = "10000"

Say = Callable[[str], None]


@dataclass(slots=True)
class Simulator:
    """The simulator's process, and where it listens once it runs; a restarted one gets the same ports."""

    state_dir: Path
    _found: dict[str, str] = field(default_factory=dict)

    @property
    def clock_file(self) -> Path:
        """The domain clock that it drives."""
        return self.state_dir / "clock.json"

    @property
    def _published(self) -> Path:
        return self.state_dir / "endpoints.json"

    def child(self) -> Child:
        """Return it as a child of the supervisor."""
        return Child("simulator", command=self._command, ready=self._is_ready)

    def _command(self) -> list[str]:
        self._published.unlink(missing_ok=True)
        ports = [
            part
            for kind in ("http", "dns", "whois", "parents")
            if kind in self._found
            for part in (f"--{kind}-port", self._found[kind].rpartition(":")[2])
        ]
        return python("jobs.simulator", "--state-dir", str(self.state_dir), *ports)

    def _is_ready(self) -> bool:
        try:
            self._found = json.loads(self._published.read_text())
        except FileNotFoundError:
            return False
        return True

    def environment(self) -> dict[str, str]:
        """Return the settings that point the providers at the simulator."""
        return {
            "LAPSEWATCH_CLOCK_FILE": str(self.clock_file),
            "LAPSEWATCH_FASTLY_URL": self._found["fastly_url"],
            "LAPSEWATCH_FASTLY_KEY": "demo",
            "LAPSEWATCH_RDAP_BOOTSTRAP_URL": self._found["rdap_bootstrap_url"],
            "LAPSEWATCH_DNS_RESOLVER": self._found["dns"],
            "LAPSEWATCH_DNS_PARENT_PORT": self._found["parents"].rpartition(":")[2],
            "LAPSEWATCH_WHOIS_SERVERS": f"*={self._found['whois']}",
            "LAPSEWATCH_ALLOWED_ENDPOINTS": ",".join(self._found[kind] for kind in ("http", "whois", "parents")),
            "LAPSEWATCH_PROVIDERS": "rdap whois dns fastly",
            "LAPSEWATCH_PROVIDER_RATE": RATE,
            "LAPSEWATCH_CANARY_REGISTERED": "northgrid-dns.net",
            "LAPSEWATCH_CANARY_UNREGISTERED": "never-to-be-registered.net",
        }


def demo_settings(state_dir: Path, port: int, environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """Return the demo's settings and the variables that say the same to its processes.

    Of the surroundings only the two that name programs and numbers of processes count: a real database or queue that
    happens to be set is never touched.
    """
    kept = {name: environ[name] for name in ("LAPSEWATCH_VALKEY_SERVER", "LAPSEWATCH_WORKERS") if name in environ}
    said = kept | {
        "LAPSEWATCH_STATE_DIR": str(state_dir),
        "LAPSEWATCH_DATABASE_URL": f"sqlite:///{state_dir / 'lapsewatch.db'}",
        "LAPSEWATCH_HOST": LOOPBACK,
        "LAPSEWATCH_PORT": str(port),
        "LAPSEWATCH_DEMO": "true",
        "LAPSEWATCH_SWEEP_SECONDS": SWEEP_SECONDS,
        "LAPSEWATCH_COOKIE_SECURE": "false",
    }
    settings = load_settings(said)
    secrets = {"LAPSEWATCH_SECRET_KEY": settings.secret_key, "LAPSEWATCH_AUDIT_KEY": settings.audit_key.decode()}
    return settings, said | secrets


def run_demo(state_dir: Path, port: int, environ: Mapping[str, str], say: Say) -> None:
    """Run the demo until told to stop. Errors name what is in the way, before anything is started."""
    os.umask(OWNER_ONLY)
    state_dir = private(state_dir.absolute())
    with ExitStack() as stack:
        stack.enter_context(only_one(state_dir / "lock"))
        check_free(LOOPBACK, port)
        settings, said = demo_settings(state_dir, port, environ)
        queue = queue_of(settings)
        app = create_app(settings)
        migrate(app)
        sign_ins = prepare(app, state_dir)
        simulator = Simulator(state_dir)
        said["LAPSEWATCH_REDIS_URL"] = queue.url
        children = [
            *([queue.child] if queue.child else []),
            simulator.child(),
            *product(settings, lambda: said | simulator.environment()),
            _source(settings, state_dir),
        ]
        Supervisor(children, say).run(lambda: _greet(settings, sign_ins, say))


def _source(settings: Settings, state_dir: Path) -> Child:
    arguments = ["--url", address(settings), "--token-file", str(state_dir / "source-token")]
    book = ["--book", str(state_dir / "source.db")]
    return Child("source", command=lambda: python("jobs.demo.source", *arguments, *book))


def _greet(settings: Settings, sign_ins: list[SignIn], say: Say) -> None:
    say("")
    say(f"The demo is at {address(settings)}")
    width = max(len(sign_in.email) for sign_in in sign_ins)
    for sign_in in sign_ins:
        say(f"  sign in as {sign_in.email:<{width}}  password {sign_in.password}")
    say("Every name is invented and nothing outside this machine is asked. Ctrl-C stops everything;")
    say(f"the next start goes on from here. To begin anew, delete {settings.state_dir}.")
    say("")
