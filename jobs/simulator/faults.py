"""The ways a provider can be made to fail, and which requests they hit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Provider(StrEnum):
    """The services that the simulator stands in for.

    `dns` is every DNS server, `parents` are those of the zones above domains alone.
    """

    FASTLY = "fastly"
    DOMAINR = "domainr"
    RDAP = "rdap"
    REGISTRAR = "registrar"
    DNS = "dns"
    PARENTS = "parents"
    WHOIS = "whois"


class Mode(StrEnum):
    """What goes wrong. `available`: a lie, the provider calls every name unregistered."""

    SLOW = "slow"
    THROTTLED = "429"
    BROKEN = "500"
    HTML = "html"
    TRUNCATED = "truncated"
    WRONG_DOMAIN = "wrong_domain"
    DROP = "drop"
    AVAILABLE = "available"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NXDOMAIN_ALL = "nxdomain_all"
    LAME = "lame"
    NO_NS = "no_ns"


_DNS = {Provider.DNS, Provider.PARENTS}
_PARENTS_ONLY = {Mode.LAME, Mode.NO_NS}
_DNS_ONLY = {Mode.SERVFAIL, Mode.REFUSED, Mode.TIMEOUT, Mode.NXDOMAIN_ALL, *_PARENTS_ONLY}
_EVERYWHERE = {Mode.SLOW, Mode.TRUNCATED}


@dataclass(slots=True)
class Fault:
    """One failure of one provider.

    `pattern` is `*`, a domain, or a zone with a leading dot (`.se`). `seconds` is the delay of `slow` and the
    Retry-After of `429`. With `times` the fault ends after that many requests.
    """

    provider: Provider
    mode: Mode
    pattern: str = "*"
    seconds: float = 30.0
    times: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot happen: `ValueError`."""
        if self.mode in _EVERYWHERE:
            return
        misplaced = self.mode in _PARENTS_ONLY and self.provider is not Provider.PARENTS
        if misplaced or (self.provider in _DNS) != (self.mode in _DNS_ONLY):
            raise ValueError(f"{self.provider} cannot fail as {self.mode}")

    def hits(self, provider: Provider, name: str) -> bool:
        """Return whether a request for `name` at `provider` fails."""
        if provider is not self.provider or self.times == 0:
            return False
        if self.pattern.startswith("."):
            return name.endswith(self.pattern)
        return self.pattern in {"*", name}


class FaultTable:
    """The faults in force."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)

    def hit(self, provider: Provider, name: str) -> Fault | None:
        """Return the fault that a request for `name` runs into, counting it down; the oldest one wins."""
        for fault in self.faults:
            if fault.hits(provider, name):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def clear(self, provider: Provider | None = None) -> None:
        """End all faults, or those of one provider."""
        self.faults = [fault for fault in self.faults if provider not in {None, fault.provider}]


def parse_fault(text: str) -> Fault:
    """Read `PROVIDER:MODE[:PATTERN]`, like `rdap:429` or `dns:nxdomain_all:.se`; `ValueError` when it is not one."""
    provider, _, rest = text.partition(":")
    mode, _, pattern = rest.partition(":")
    return Fault(Provider(provider), Mode(mode), pattern or "*")
