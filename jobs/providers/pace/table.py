"""How fast each server may be asked: what its operator publishes, and a polite guess for all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400

CAUTION = 0.8
"""The share of a published rate that is used: requests bunch on their way, and the server counts arrivals."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in any `seconds` (rolling, so that it holds wherever the server starts counting).

    `kept`: so many of them are not for whoever asks (`pace.urgency`).
    """

    limit: int
    seconds: int
    kept: int = 0

    @property
    def open_to_us(self) -> int:
        """How many requests whoever asks may see spent."""
        return self.limit - self.kept


@dataclass(frozen=True, slots=True)
class Pace:
    """What a server bears. `rate`: requests a second; `in_flight`: at a time; `source`: who says so."""

    rate: float
    in_flight: int = 2
    windows: tuple[Window, ...] = ()
    source: str = ""


def _published(rate: float, source: str, *windows: Window, in_flight: int = 2) -> Pace:
    return Pace(rate * CAUTION, in_flight, windows, source)


_NOT_PUBLISHED = "no figure published: taken from others' reports, not tried by us"
_VERISIGN = _published(2, _NOT_PUBLISHED)
_CENTRALNIC = _published(
    2, "centralnicregistry.com, WHOIS guidance; RDAP counts as WHOIS does", Window(1800, 15 * MINUTE)
)
_NOMINET = _published(5, "Nominet, WHOIS acceptable use: 5/s and 1,000 in rolling 24 h", Window(1000, DAY))

SERVERS: Mapping[str, Pace] = {
    "rdap.verisign.com": _VERISIGN,
    "tld-rdap.verisign.com": _VERISIGN,
    "rdap.publicinterestregistry.org": _published(2, _NOT_PUBLISHED),
    "rdap.identitydigital.services": _published(10, _NOT_PUBLISHED, in_flight=4),
    "rdap.centralnic.com": _CENTRALNIC,
    "rdap.centralnicregistry.com": _CENTRALNIC,
    "whois.centralnic.com": _CENTRALNIC,
    "rdap.nominet.uk": _NOMINET,
    "whois.nic.uk": _NOMINET,
    "rdap.norid.no": _published(1, "Norid, RDAP: 300 GET or 3,000 HEAD a day", Window(300, DAY)),
    "whois.weare.ie": _published(
        1, "IE Domain Registry, WHOIS acceptable use: 100 in rolling 24 h", Window(100, DAY)
    ),
    # Some of its answers take half a minute: few in flight would make it slower than it allows.
    "api.fastly.com": _published(
        2, "Fastly, API rate limits: 1,000 reads an hour a token", Window(1000, HOUR), in_flight=10
    ),
}
"""By host, at its protocol's own port; each host is one bucket."""


def pace_of(server: str, rate: float) -> Pace:
    """Return the pace of `server` (`host` or `host:port`); `rate` requests a second where nobody has published one.

    In flight there: two, or a tenth of a second's worth of a higher declared rate.
    """
    return SERVERS.get(server) or Pace(rate, max(2, int(rate / 10)))
