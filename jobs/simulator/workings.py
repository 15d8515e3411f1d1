"""What all faces of the simulator share: the world, its clock, the faults in force, and what was asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

import orjson

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import FaultTable, Provider
from jobs.simulator.states import DomainState, free, state_at
from jobs.simulator.world import World


def _no_requests() -> dict[Provider, Counter[str]]:
    return {provider: Counter() for provider in Provider}


@dataclass(frozen=True, slots=True)
class Workings:
    """The shared parts; `counts` says how often each provider was asked for each name, `journal` also when."""

    world: World
    clock: SimulatedClock
    faults: FaultTable
    counts: dict[Provider, Counter[str]] = field(default_factory=_no_requests)
    journal: TextIO | None = None

    @contextmanager
    def request(self, provider: Provider, name: str) -> Iterator[None]:
        """Count a request for `name`, and note in the journal when it came and when it was done with.

        One JSON line each, `{"provider", "name", "from", "to"}`, in seconds of a clock that is never set.
        """
        self.counts[provider][name] += 1
        came = time.monotonic()
        try:
            yield
        finally:
            if self.journal is not None:
                line = {"provider": provider, "name": name, "from": came, "to": time.monotonic()}
                self.journal.write(orjson.dumps(line).decode() + "\n")

    def state(self, name: str) -> DomainState:
        """Return the present state of exactly this name."""
        spec = self.world.get(name)
        return state_at(spec, self.clock.now()) if spec else free(name)
