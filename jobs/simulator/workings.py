"""What all faces of the simulator share: the world, its clock, the faults in force, and what was asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import FaultTable, Provider
from jobs.simulator.states import DomainState, free, state_at
from jobs.simulator.world import World


def _no_requests() -> dict[Provider, Counter[str]]:
    return {provider: Counter() for provider in Provider}


@dataclass(frozen=True, slots=True)
class Workings:
    """The shared parts; `counts` says how often each provider was asked for each name."""

    world: World
    clock: SimulatedClock
    faults: FaultTable
    counts: dict[Provider, Counter[str]] = field(default_factory=_no_requests)

    def state(self, name: str) -> DomainState:
        """Return the present state of exactly this name."""
        spec = self.world.get(name)
        return state_at(spec, self.clock.now()) if spec else free(name)
