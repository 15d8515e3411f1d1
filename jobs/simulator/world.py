"""The simulated world: which domains there are, from a file and from name patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from jobs.simulator.profiles import profile_of
from jobs.simulator.specs import DomainSpec, Holder, Profile, Story, dump_spec, load_spec

DEMO_START = datetime(2026, 11, 1, 8, tzinfo=UTC)

# The hosts that simulated names point at, and the mailbox providers of the sample: all of them outlive any demo.
INFRASTRUCTURE = ("northgrid-dns.net", "lotkeeper-dns.net", "mailharbor-mx.net", "otherhost-dns.net")
MAILBOX_PROVIDERS = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "gmx.de",
    "web.de",
)
KNOWN_TLDS = frozenset({"com", "net", "org", "io", "me", "dev", "app", "info", "de", "uk", "nl", "fr", "ch", "li"})

_GENERATED = re.compile(r"bench-(\d{6,9})\.(com|net|org|de|nl|fr|ch|co\.uk)")
_GENERATED_NS = ("ns1.northgrid-dns.net", "ns2.northgrid-dns.net")
_GENERATED_MX = ("mx1.mailharbor-mx.net",)


def generated_spec(name: str) -> DomainSpec | None:
    """Return the spec of a name like `bench-000123.com` (6 to 9 digits), the same at every call; else None.

    One in forty lapsed 60 days before `DEMO_START`; of those every fourth never comes back, the others are
    caught within hours. All the rest are steady.
    """
    match = _GENERATED.fullmatch(name)
    if match is None:
        return None
    number = int(match[1])
    lapses = number % 40 == 7
    story = (Story.LAPSE_AND_DROP if number % 160 == 7 else Story.DROP_AND_CATCH) if lapses else Story.STEADY
    created_at = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(days=number % 3000, seconds=number % 86400)
    expires_at = DEMO_START + timedelta(days=-60 if lapses else number % 365 + 1)
    holder = Holder("Northgrid Names", 9901, f"{number}_DOMAIN-SIM", _GENERATED_NS, _GENERATED_MX)
    return DomainSpec(name, profile_of(name), story, created_at, expires_at, holder, turn_hours=number % 72)


_generated = lru_cache(maxsize=65536)(generated_spec)


class World:
    """All names that exist or once existed. A name it does not hold was never registered."""

    def __init__(self, specs: Iterable[DomainSpec] = ()) -> None:
        self._specs = {spec.name: spec for spec in (*_lasting_specs(), *specs)}
        self.zones = KNOWN_TLDS | {zone for spec in self._specs.values() for zone in _zones(spec.name)}

    def __iter__(self) -> Iterator[DomainSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def add(self, spec: DomainSpec) -> None:
        """Add or replace one domain."""
        self._specs[spec.name] = spec
        self.zones |= _zones(spec.name)

    def get(self, name: str) -> DomainSpec | None:
        """Return the spec of exactly this name (A-labels, lower case), generated where a pattern covers it."""
        return self._specs.get(name) or _generated(name)

    def find(self, host: str) -> DomainSpec | None:
        """Return the spec of the domain that `host` is, or lies under."""
        while "." in host:
            if spec := self.get(host):
                return spec
            host = host.partition(".")[2]
        return None

    def zone_above(self, host: str) -> str:
        """Return the nearest known zone above `host`; the root, an empty name, when there is none."""
        while host:
            host = host.partition(".")[2]
            if host in self.zones:
                break
        return host

    def tlds(self) -> list[str]:
        """Return the top-level domains of the world, sorted."""
        return sorted(zone for zone in self.zones if "." not in zone)

    def dump(self, path: Path) -> None:
        """Write the world to `path`, one spec a line, replacing the file in one step."""
        draft = path.with_suffix(".tmp")
        with draft.open("wb") as file:
            file.writelines(dump_spec(spec) + b"\n" for spec in self)
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> World:
        """Read a world file; `ValueError` names the line that is not a spec."""
        with path.open("rb") as file:
            return cls(_load_line(path, number, line) for number, line in enumerate(file, 1) if line.strip())


def _load_line(path: Path, number: int, line: bytes) -> DomainSpec:
    try:
        return load_spec(line)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}, line {number}: {error}") from error


def _zones(name: str) -> set[str]:
    """Return the zones above a name: `co.uk` and `uk` for `a.co.uk`."""
    labels = name.split(".")
    return {".".join(labels[start:]) for start in range(1, len(labels))}


def _lasting_specs() -> Iterator[DomainSpec]:
    for number, name in enumerate((*INFRASTRUCTURE, *MAILBOX_PROVIDERS)):
        hosts = (f"ns1.{name}", f"ns2.{name}")
        holder = Holder("Northgrid Names", 9901, f"{9000 + number}_DOMAIN-SIM", hosts, (f"mx.{name}",))
        created_at = datetime(1999, 3, 1 + number, tzinfo=UTC)
        expires_at = datetime(2027, 3, 1 + number, tzinfo=UTC)
        profile = profile_of(name) if name.endswith(".de") else Profile.GTLD
        yield DomainSpec(name, profile, Story.STEADY, created_at, expires_at, holder)
