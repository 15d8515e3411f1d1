"""The simulated name servers of the zones above domains: they refer to a domain's own, or say that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.simulator import dns_wire as wire
from jobs.simulator.dns_wire import TYPES, Question
from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.resolver import PARENT_SERVERS, ns_records, soa
from jobs.simulator.specs import Holder
from jobs.simulator.states import state_at
from jobs.simulator.workings import Workings

ROOT = ""


@dataclass(slots=True)
class ParentServers:
    """Answers for the root and every zone of the world, with authority and without recursion.

    A domain whose own name servers are in trouble is delegated as ever. Names in no zone of ours are refused.
    """

    workings: Workings

    def answer(self, query: bytes, *, tcp: bool) -> tuple[bytes | None, float]:
        """Return the reply (None: stay silent) and how many seconds a `slow` fault holds it back."""
        question = wire.parse(query)
        if question is None:
            return wire.malformed(query), 0.0
        spec = self.workings.world.find(question.name)
        name = spec.name if spec else question.name
        self.workings.counts[Provider.PARENTS][name] += 1
        faults = self.workings.faults
        fault = faults.hit(Provider.PARENTS, name) or faults.hit(Provider.DNS, name)
        if fault is None:
            return self._truth(question), 0.0
        if fault.mode is Mode.SLOW:
            return self._truth(question), fault.seconds
        return self._faulty(question, fault, tcp=tcp), 0.0

    def _faulty(self, question: Question, fault: Fault, *, tcp: bool) -> bytes | None:
        match fault.mode:
            case Mode.TIMEOUT:
                return None
            case Mode.TRUNCATED:
                return self._truth(question) if tcp else wire.truncated(question)
            case Mode.NXDOMAIN_ALL:
                return self._negative(question, "NXDOMAIN")
            case Mode.NO_NS:
                return self._negative(question, "NOERROR")
            case Mode.LAME:  # sends the asker back to the root
                return wire.reply(question, "NOERROR", authority=ns_records(PARENT_SERVERS, ROOT), of_zone=False)
            case _:
                return wire.reply(question, fault.mode.upper(), of_zone=False)

    def _truth(self, question: Question) -> bytes:
        name = question.name
        if name == ROOT or name in self.workings.world.zones:
            if question.type == TYPES["NS"]:
                return wire.reply(question, "NOERROR", ns_records(PARENT_SERVERS), of_zone=True)
            return self._negative(question, "NOERROR")
        if self._zone(name) == ROOT:
            return wire.reply(question, "REFUSED", of_zone=False)
        spec = self.workings.world.find(name)
        state = state_at(spec, self.workings.clock.now()) if spec else None
        if state is None or state.holder is None or state.rcode == "NXDOMAIN":
            return self._negative(question, "NXDOMAIN")
        if question.type == TYPES["DS"] and name == state.name:
            return self._ds(question, state.holder)
        return wire.reply(question, "NOERROR", authority=ns_records(state.holder.ns, state.name), of_zone=False)

    def _ds(self, question: Question, holder: Holder) -> bytes:
        if not holder.signed:
            return self._negative(question, "NOERROR")
        return wire.reply(question, "NOERROR", (wire.record("DS", wire.ds_data(question.name)),), of_zone=True)

    def _negative(self, question: Question, rcode: str) -> bytes:
        """Say no with the SOA of the zone that says so (RFC 2308)."""
        return wire.reply(question, rcode, authority=(soa(self._zone(question.name)),), of_zone=True)

    def _zone(self, name: str) -> str:
        return self.workings.world.zone_above(name)
