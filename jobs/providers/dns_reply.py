"""What counts of a DNS reply (RFC 1035, 4.1): its rcode, and the records of the answer.

The library's own messages sort every record of every section into sets, which takes longer than all the rest of a
look-up; here the other sections are only walked through, so that a reply cut off anywhere is still refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dns.exception
import dns.name
from dns.rdataclass import IN
from dns.rdatatype import RdataType

from jobs.providers.errors import Malformed

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
_SHORT = struct.Struct("!H")
_POINTER = 0xC0


@dataclass(frozen=True, slots=True)
class Record:
    """One record of class IN; names are lower case without a final dot, the root is `.`.

    `host`: the target of NS and MX, empty for other types. `preference`: of MX.
    """

    owner: str
    kind: int
    host: str = ""
    preference: int = 0


@dataclass(frozen=True, slots=True)
class DnsReply:
    """A reply: `rcode` with its extension (RFC 6891), `answered` whether the answer holds anything, of any class."""

    rcode: int
    answered: bool
    records: tuple[Record, ...]


def parse_reply(wire: bytes) -> DnsReply:
    """Read a whole message; `Malformed` when it is not one."""
    try:
        return _Reader(wire).reply()
    except (dns.exception.DNSException, ValueError, LookupError, struct.error) as error:
        raise Malformed(f"not a DNS message: {type(error).__name__}") from error


class _Reader:
    """Walks through one message; reading past its end raises."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._at = _HEADER.size
        self._names: dict[int, tuple[str, int]] = {}

    def reply(self) -> DnsReply:
        _, flags, questions, answers, authorities, others = _HEADER.unpack_from(self._wire)
        for _ in range(questions):
            self._skip_name()
            self._move(4)
        records = [self._record() for _ in range(answers)]
        extended = max((self._skip_record() for _ in range(authorities + others)), default=0)
        return DnsReply(extended << 4 | flags & 0xF, bool(answers), tuple(r for r in records if r))

    def _record(self) -> Record | None:
        owner, self._at = self._name(self._at)
        kind, group, _, size = _FIXED.unpack_from(self._wire, self._at)
        self._move(_FIXED.size)
        start = self._at
        self._move(size)
        if group != IN:
            return None
        if kind == RdataType.NS:
            return Record(owner, kind, self._host(start))
        if kind == RdataType.MX:
            return Record(owner, kind, self._host(start + 2), *_SHORT.unpack_from(self._wire, start))
        return Record(owner, kind)

    def _host(self, start: int) -> str:
        """Return the name that fills the record from `start` to its end."""
        host, end = self._name(start)
        if end != self._at:
            raise dns.exception.FormError
        return host

    def _skip_record(self) -> int:
        """Go past a record that does not count; of an OPT record return the upper bits of the rcode."""
        self._skip_name()
        kind, _, ttl, size = _FIXED.unpack_from(self._wire, self._at)
        self._move(_FIXED.size + size)
        upper: int = ttl >> 24
        return upper if kind == RdataType.OPT else 0

    def _name(self, at: int) -> tuple[str, int]:
        """Return the name at `at` and where it ends. Owners mostly point at the question: each place is read once."""
        place, end = at, 0
        if self._wire[at] >= _POINTER:
            place, end = _SHORT.unpack_from(self._wire, at)[0] & 0x3FFF, at + 2
            if place >= at:
                raise dns.name.BadPointer
        found = self._names.get(place)
        if found is None:
            name, size = dns.name.from_wire(self._wire, place)
            found = self._names[place] = name.to_text(omit_final_dot=True).lower(), place + size
        return found[0], end or found[1]

    def _skip_name(self) -> None:
        while size := self._wire[self._at]:
            if size >= _POINTER:
                self._move(2)
                return
            self._move(1 + size)
        self._move(1)

    def _move(self, size: int) -> None:
        self._at += size
        if self._at > len(self._wire):
            raise dns.exception.FormError
