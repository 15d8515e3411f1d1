"""The simulated resolver: from a question and the world to a reply."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.simulator import dns_wire as wire
from jobs.simulator.dns_wire import TYPES, Question
from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.specs import DomainSpec, Holder
from jobs.simulator.states import DomainState, state_at
from jobs.simulator.workings import Workings

LOOPBACK = "127.0.0.1"
PARENT_SERVERS = ("a.zone-servers.net", "b.zone-servers.net")


@dataclass(slots=True)
class Resolver:
    """Answers for every name of the world as a recursive resolver would.

    A lame delegation is passed on as REFUSED, what all its name servers say; a real resolver would fold that into
    SERVFAIL. Hosts below a domain exist (as under a wildcard) and take its mail.
    """

    workings: Workings

    def answer(self, query: bytes, *, tcp: bool) -> tuple[bytes | None, float]:
        """Return the reply (None: stay silent) and how many seconds a `slow` fault holds it back."""
        question = wire.parse(query)
        if question is None:
            return wire.malformed(query), 0.0
        if question.name in PARENT_SERVERS:
            return _parent_server(question), 0.0
        spec = self.workings.world.find(question.name)
        name = spec.name if spec else question.name
        self.workings.counts[Provider.DNS][name] += 1
        fault = self.workings.faults.hit(Provider.DNS, name)
        if fault and fault.mode is Mode.SLOW:
            return self._truth(question, spec), fault.seconds
        return (self._faulty(question, fault, spec, tcp=tcp) if fault else self._truth(question, spec)), 0.0

    def _faulty(self, question: Question, fault: Fault, spec: DomainSpec | None, *, tcp: bool) -> bytes | None:
        match fault.mode:
            case Mode.TIMEOUT:
                return None
            case Mode.TRUNCATED:
                return self._truth(question, spec) if tcp else wire.truncated(question)
            case Mode.NXDOMAIN_ALL:
                return self._no_such_name(question)
            case _:
                return wire.reply(question, fault.mode.upper())

    def _truth(self, question: Question, spec: DomainSpec | None) -> bytes | None:
        if spec is None:
            known = question.name == "" or question.name in self.workings.world.zones
            return _zone(question) if known else self._no_such_name(question)
        state = state_at(spec, self.workings.clock.now())
        if state.rcode == "TIMEOUT":
            return None
        if state.holder is None or state.rcode == "NXDOMAIN":
            return self._no_such_name(question)
        if question.type == TYPES["DS"]:  # the parent answers for these, broken name servers or not
            return _records(question, state, state.holder)
        if state.rcode != "NOERROR":
            return wire.reply(question, state.rcode)
        return _records(question, state, state.holder)

    def _no_such_name(self, question: Question) -> bytes:
        """Return NXDOMAIN with the SOA of the zone above (RFC 2308)."""
        return wire.reply(question, "NXDOMAIN", authority=(soa(self.workings.world.zone_above(question.name)),))


def _zone(question: Question) -> bytes:
    """Answer for a top-level domain, another public suffix, or the root."""
    if question.type != TYPES["NS"]:
        return _no_data(question, question.name)
    return wire.reply(question, "NOERROR", ns_records(PARENT_SERVERS))


def _parent_server(question: Question) -> bytes:
    """Say where the servers of the zones above domains listen: on this machine."""
    if question.type != TYPES["A"]:
        return _no_data(question, question.name.partition(".")[2])
    return wire.reply(question, "NOERROR", (wire.record("A", wire.a_data(LOOPBACK)),))


def ns_records(hosts: tuple[str, ...], owner: str | None = None) -> tuple[bytes, ...]:
    """Return an NS set, by default of the name that was asked."""
    place = {} if owner is None else {"owner": wire.encode_name(owner)}
    return tuple(wire.record("NS", wire.ns_data(host), **place) for host in hosts)


def _records(question: Question, state: DomainState, holder: Holder) -> bytes:
    apex = question.name == state.name
    answers: list[bytes] = []
    if question.type == TYPES["A"] and holder.address:
        answers = [wire.record("A", wire.a_data(holder.address))]
    elif question.type == TYPES["MX"]:
        answers = [wire.record("MX", wire.mx_data(*item)) for item in _preferences(holder.mx)]
    elif question.type == TYPES["NS"] and apex:
        answers = [*ns_records(holder.ns)]
    elif question.type == TYPES["DS"] and apex and holder.signed:
        answers = [wire.record("DS", wire.ds_data(state.name))]
    elif question.type == TYPES["SOA"] and apex:
        answers = [wire.record("SOA", wire.soa_data(state.name))]
    return wire.reply(question, "NOERROR", tuple(answers)) if answers else _no_data(question, state.name)


def _preferences(hosts: tuple[str, ...]) -> list[tuple[int, str]]:
    return [(0 if host == "." else 10 * position, host) for position, host in enumerate(hosts, 1)]


def soa(zone: str) -> bytes:
    """Return the SOA record of a zone, the root's being empty."""
    return wire.record("SOA", wire.soa_data(zone), owner=wire.encode_name(zone))


def _no_data(question: Question, zone: str) -> bytes:
    return wire.reply(question, "NOERROR", authority=(soa(zone),))
