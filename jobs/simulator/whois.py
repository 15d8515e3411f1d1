"""WHOIS replies in the manner of each profile's registry. No grammar holds them together (RFC 3912)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from jobs.simulator.replies import stamp
from jobs.simulator.specs import Holder, Profile
from jobs.simulator.states import IN_ZONE, DomainState
from jobs.simulator.stories import Stage


def whois_reply(state: DomainState, now: datetime) -> str:
    """Return the text that the server of the name's registry sends, with the line ends of the protocol."""
    holder = state.holder
    if holder is None:
        return _FREE[state.profile].format(name=state.name, upper=state.name.upper()) + "\r\n"
    return "\r\n".join((*_WRITERS[state.profile](state, holder), "", f">>> Last update: {stamp(now)} <<<", ""))


_FREE = {
    Profile.GTLD: 'No match for domain "{upper}".',
    Profile.UK: '    No match for "{name}".\r\n\r\n    This domain name has not been registered.',
    Profile.DE: "Domain: {name}\r\nStatus: free",
    Profile.NL: "{name} is free",
    Profile.FR: "%% NOT FOUND",
    Profile.UNDATED: "We do not have an entry in our database matching your query.",
}


def _epp(words: str) -> str:
    """Return an RDAP status word as EPP writes it: `client hold` -> `clientHold`, `active` -> `ok`."""
    first, *rest = words.split()
    return "ok" if words == "active" else first + "".join(word.capitalize() for word in rest)


def _dated(label: str, moment: datetime | None) -> Iterator[str]:
    if moment is not None:
        yield f"{label}: {stamp(moment)}"


def _gtld(state: DomainState, holder: Holder) -> Iterator[str]:
    yield f"   Domain Name: {state.name.upper()}"
    yield f"   Registry Domain ID: {holder.handle}"
    yield from _dated("   Updated Date", state.changed_at)
    yield from _dated("   Creation Date", state.registered_at)
    yield from _dated("   Registry Expiry Date", state.expires_at)
    yield f"   Registrar: {holder.registrar}"
    yield f"   Registrar IANA ID: {holder.iana_id}"
    for words in state.statuses:
        yield f"   Domain Status: {_epp(words)} https://icann.org/epp#{_epp(words)}"
    for host in holder.ns:
        yield f"   Name Server: {host.upper()}"
    yield f"   DNSSEC: {'signedDelegation' if holder.signed else 'unsigned'}"


_UK_STATUS = {
    Stage.GRACE: "Renewal required.",
    Stage.REDEMPTION: "Renewal required, registration suspended.",
    Stage.PENDING_DELETE: "No longer required",
}


def _uk(state: DomainState, holder: Holder) -> Iterator[str]:
    dates = (
        ("Registered on", state.registered_at),
        ("Expiry date", state.expires_at),
        ("Last updated", state.changed_at),
    )
    yield f"\r\n    Domain name:\r\n        {state.name}\r\n"
    yield f"    Registrar:\r\n        {holder.registrar} [Tag = NORTHGRID]\r\n\r\n    Relevant dates:"
    yield from (f"        {label}: {moment:%d-%b-%Y}" for label, moment in dates if moment)
    status = _UK_STATUS.get(state.stage, "Registered until expiry date.")
    yield f"\r\n    Registration status:\r\n        {status}\r\n\r\n    Name servers:"
    yield from (f"        {host}" for host in holder.ns)


def _de(state: DomainState, holder: Holder) -> Iterator[str]:
    yield f"Domain: {state.name}"
    if state.stage not in IN_ZONE:
        yield "Status: redemptionPeriod"
        return
    yield from (f"Nserver: {host}" for host in holder.ns)
    yield "Status: connect"
    yield from _dated("Changed", state.changed_at)


def _nl(state: DomainState, holder: Holder) -> Iterator[str]:
    yield f"Domain name: {state.name}"
    yield f"Status:      {'active' if state.stage in IN_ZONE else 'in quarantine'}"
    yield f"\r\nRegistrar:\r\n   {holder.registrar}\r\n"
    if state.registered_at:
        yield f"Creation Date: {state.registered_at:%Y-%m-%d}\r\n"
    yield "Domain nameservers:"
    yield from (f"   {host}" for host in holder.ns)


def _fr(state: DomainState, holder: Holder) -> Iterator[str]:
    yield f"domain:                        {state.name}"
    yield f"status:                        {'ACTIVE' if state.stage in IN_ZONE else 'REDEMPTION'}"
    yield f"registrar:                     {holder.registrar}"
    yield from _dated("Expiry Date", state.expires_at)
    yield from _dated("created", state.registered_at)
    yield from (f"nserver:                       {host}" for host in holder.ns)


def _undated(state: DomainState, holder: Holder) -> Iterator[str]:
    yield f"Domain name:\r\n{state.name}\r\n"
    if state.stage not in IN_ZONE:
        yield "Status:\r\nThis name is in its transition period.\r\n"
    yield f"Registrar:\r\n{holder.registrar}\r\n\r\nName servers:"
    yield from holder.ns


_WRITERS: dict[Profile, Callable[[DomainState, Holder], Iterator[str]]] = {
    Profile.GTLD: _gtld,
    Profile.UK: _uk,
    Profile.DE: _de,
    Profile.NL: _nl,
    Profile.FR: _fr,
    Profile.UNDATED: _undated,
}
