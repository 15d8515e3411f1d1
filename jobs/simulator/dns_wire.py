"""DNS messages (RFC 1035), written by hand: a benchmark asks for thousands a second, and replies here are plain."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

TYPES = {"A": 1, "NS": 2, "SOA": 6, "MX": 15, "OPT": 41, "DS": 43}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
TTL = 300
_HEADER = struct.Struct("!6H")
_QR, _AA, _TC, _RD, _RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
_QNAME = b"\xc0\x0c"  # a pointer to the question's name, which always stands at offset 12


@dataclass(frozen=True, slots=True)
class Question:
    """The one question of a query: `name` in lower case without the final dot, and its own bytes to echo."""

    id: int
    flags: int
    name: str
    type: int
    wire: bytes
    edns: bool


def parse(query: bytes) -> Question | None:
    """Read a query; None when it is not one standard question in one piece."""
    try:
        message_id, flags, questions, _, _, additional = _HEADER.unpack_from(query)
        labels, end = _labels(query, _HEADER.size)
        (qtype,) = struct.unpack_from("!H", query, end)
    except (struct.error, IndexError, ValueError):
        return None
    if flags & 0xF800 or questions != 1 or len(query) < end + 4:
        return None
    return Question(message_id, flags, ".".join(labels), qtype, query[12 : end + 4], bool(additional))


def _labels(wire: bytes, offset: int) -> tuple[list[str], int]:
    labels = []
    while length := wire[offset]:
        if length > 63:
            raise ValueError("a question's name is not compressed")
        labels.append(wire[offset + 1 : offset + 1 + length].decode("latin-1").lower())
        offset += length + 1
    return labels, offset + 1


def reply(
    question: Question,
    rcode: str,
    answers: tuple[bytes, ...] = (),
    authority: tuple[bytes, ...] = (),
    *,
    of_zone: bool | None = None,
) -> bytes:
    """Return a reply; OPT is echoed in its shortest form (RFC 6891, section 6.1.1).

    `of_zone`: None for a resolver's; of a zone's server, whether it answers with authority or refers elsewhere.
    """
    kind = _RA if of_zone is None else _AA if of_zone else 0
    flags = _QR | kind | (question.flags & _RD) | RCODES[rcode]
    header = _HEADER.pack(question.id, flags, 1, len(answers), len(authority), int(question.edns))
    opt = struct.pack("!BHHIH", 0, TYPES["OPT"], 1232, 0, 0) if question.edns else b""
    return b"".join((header, question.wire, *answers, *authority, opt))


def truncated(question: Question) -> bytes:
    """Return the reply that sends the asker to TCP: empty, with TC set."""
    flags = _QR | _TC | _RA | (question.flags & _RD)
    return _HEADER.pack(question.id, flags, 1, 0, 0, 0) + question.wire


def malformed(query: bytes) -> bytes:
    """Return FORMERR for what could not be read, with the query's id if it has one."""
    return query[:2].ljust(2, b"\0") + struct.pack("!5H", _QR | _RA | RCODES["FORMERR"], 0, 0, 0, 0)


def encode_name(name: str) -> bytes:
    """Return a host name (A-labels) in wire form, uncompressed; `.` or empty is the root."""
    labels = [label.encode("latin-1") for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(record_type: str, data: bytes, owner: bytes = _QNAME) -> bytes:
    """Return a resource record, by default for the name that was asked."""
    return owner + struct.pack("!HHIH", TYPES[record_type], 1, TTL, len(data)) + data


def ns_data(host: str) -> bytes:
    """Return the data of an NS record."""
    return encode_name(host)


def mx_data(preference: int, host: str) -> bytes:
    """Return the data of an MX record."""
    return struct.pack("!H", preference) + encode_name(host)


def a_data(address: str) -> bytes:
    """Return the data of an A record."""
    return IPv4Address(address).packed


def ds_data(name: str) -> bytes:
    """Return the data of a DS record (RFC 4034): a made-up key's SHA-256 digest."""
    digest = hashlib.sha256(name.encode()).digest()
    return struct.pack("!HBB", digest[0] << 8 | digest[1], 13, 2) + digest


def soa_data(zone: str) -> bytes:
    """Return the data of an SOA record."""
    numbers = struct.pack("!5I", 2026010100, 7200, 3600, 1209600, TTL)
    return encode_name(f"ns.{zone}") + encode_name(f"hostmaster.{zone}") + numbers
