"""What counts of a DNS reply (RFC 1035, 4.1): its rcode, and the records of the answer and the authority section.

The library's own messages sort every record of every section into sets, which takes longer than all the rest of a
look-up; here the additional section (glue) is only walked through, so that a reply cut off anywhere is still refused.
A hostile server writes what it likes, so the number of records, and of steps that one name may take, are bounded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.name
from dns.rdataclass import IN
from dns.rdatatype import RdataType

from jobs.providers.errors import Malformed

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
_SHORT = struct.Struct("!H")
_POINTER = 0xC0
_AUTHORITATIVE = 0x0400
_ADDRESS_BYTES: dict[int, int] = {RdataType.A: 4, RdataType.AAAA: 16}
MAX_RECORDS = 2000
"""More than any reply of 64 KiB that has a meaning for us."""
MAX_STEPS = 128
"""Labels and pointers of one name: 127 labels are the most that 255 bytes hold."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of class IN; names are lower case without a final dot, the root is `.`.

    `host`: the target of NS and MX, the address of A and AAAA, empty for other types. `preference`: of MX.
    """

    owner: str
    kind: int
    host: str = ""
    preference: int = 0


@dataclass(frozen=True, slots=True)
class DnsReply:
    """A reply: `rcode` with its extension (RFC 6891), `answered` whether the answer holds anything, of any class.

    `authority`: the records of the authority section, where a parent refers to a domain's name servers;
    `authoritative`: the AA bit.
    """

    rcode: int
    answered: bool
    records: tuple[Record, ...]
    authority: tuple[Record, ...] = ()
    authoritative: bool = False


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
        if answers + authorities + others > MAX_RECORDS:
            raise dns.exception.FormError
        records = [self._record() for _ in range(answers)]
        authority = [self._record() for _ in range(authorities)]
        extended = max((self._skip_record() for _ in range(others)), default=0)
        return DnsReply(
            rcode=extended << 4 | flags & 0xF,
            answered=bool(answers),
            records=tuple(r for r in records if r),
            authority=tuple(r for r in authority if r),
            authoritative=bool(flags & _AUTHORITATIVE),
        )

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
        if kind in _ADDRESS_BYTES:
            return Record(owner, kind, self._address(start, _ADDRESS_BYTES[kind]))
        return Record(owner, kind)

    def _host(self, start: int) -> str:
        """Return the name that fills the record from `start` to its end."""
        host, end = self._name(start)
        if end != self._at:
            raise dns.exception.FormError
        return host

    def _address(self, start: int, size: int) -> str:
        """Return the address that fills the record."""
        if self._at - start != size:
            raise dns.exception.FormError
        return str(ip_address(self._wire[start : self._at]))

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
            self._bound(place)
            name, size = dns.name.from_wire(self._wire, place)
            found = self._names[place] = name.to_text(omit_final_dot=True).lower(), place + size
        return found[0], end or found[1]

    def _bound(self, at: int) -> None:
        """Refuse a name of more labels and pointers than a name can have: chains of pointers cost time alone."""
        for _ in range(MAX_STEPS):
            size = self._wire[at]
            if not size:
                return
            at = _SHORT.unpack_from(self._wire, at)[0] & 0x3FFF if size >= _POINTER else at + 1 + size
        raise dns.name.BadPointer

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
