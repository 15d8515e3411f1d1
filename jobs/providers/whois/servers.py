"""The WHOIS servers of TLDs that have no RDAP, and how each wants to be asked; others are not asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PORT = 43


@dataclass(frozen=True, slots=True)
class WhoisServer:
    """Where to ask, and the query (RFC 3912: one line), `{}` standing for the domain."""

    host: str
    port: int = PORT
    query: str = "{}"


_HOSTS = {
    "whois.tcinet.ru": "ru su xn--p1ai",
    "whois.cnnic.cn": "cn",
    "cwhois.cnnic.cn": "xn--fiqs8s xn--fiqz9s",
    "whois.iis.se": "se",
    "whois.iis.nu": "nu",
    "whois.kr": "kr xn--3e0b707e",
    "whois.eu": "eu",
    "whois.nic.it": "it",
    "whois.nic.at": "at",
    "whois.dns.be": "be",
    "whois.punktum.dk": "dk",
    "whois.weare.ie": "ie",
    "whois.nic.hu": "hu",
    "whois.rotld.ro": "ro",
    "whois.register.bg": "bg",
    "whois.domreg.lt": "lt",
    "whois.nic.lv": "lv",
    "whois.tld.ee": "ee",
    "whois.rnids.rs": "rs",
    "whois.sk-nic.sk": "sk",
    "whois.dns.pt": "pt",
    "whois.hkirc.hk": "hk",
    "whois.mx": "mx",
    "whois.isoc.org.il": "il",
    "whois.trabis.gov.tr": "tr",
    "whois.nic.ir": "ir",
    "whois.nic.kz": "kz",
    "whois.cctld.by": "by",
    "whois.nic.ge": "ge",
    "whois.amnic.net": "am",
    "whois.aeda.net.ae": "ae",
    "whois.nic.net.sa": "sa",
    "whois.irs.net.nz": "nz",
    "whois.dns.lu": "lu",
    "whois.dns.hr": "hr",
    "whois.nic.cl": "cl",
    "kero.yachay.pe": "pe",
    "whois.nic.ve": "ve",
    "whois.nic.org.uy": "uy",
    "whois.nic.bo": "bo",
    "whois.mynic.my": "my",
    "whois.registre.ma": "ma",
    "whois.ati.tn": "tn",
    "whois.marnet.mk": "mk",
    "whois.nic.md": "md",
    "whois.nic.us": "us",
    "whois.nic.im": "im",
    "whois.je": "je",
    "whois.gg": "gg",
    "whois.nic.st": "st",
    "whois.website.ws": "ws",
}

SERVERS: Mapping[str, WhoisServer] = {
    # JPRS: English with `/e`; DENIC: names as A-labels only when told.
    "jp": WhoisServer("whois.jprs.jp", query="{}/e"),
    "de": WhoisServer("whois.denic.de", query="-T dn,ace {}"),
    **{tld: WhoisServer(host) for host, tlds in _HOSTS.items() for tld in tlds.split()},
}


_ELSEWHERE = frozenset(
    {"edu.cn", "ac.at", "gv.at", "ac.ru", "edu.ru", "gov.ru", "int.ru", "mil.ru", "gov.kr", "ac.il", "gov.il"}
)
"""Zones with directories of their own: the TLD's server says "not found" to every name in them."""


def is_kept_elsewhere(domain: str) -> bool:
    """Whether the TLD's server knows nothing of the zone that `domain` stands in."""
    return ".".join(domain.split(".")[-2:]) in _ELSEWHERE


def server_for(domain: str, others: Mapping[str, tuple[str, int]]) -> WhoisServer | None:
    """Return the server of the TLD of `domain`; `others` (by TLD, `*` for all) from the settings come first."""
    tld = domain.rpartition(".")[2]
    named = others.get(tld) or others.get("*")
    return WhoisServer(*named) if named else SERVERS.get(tld)
