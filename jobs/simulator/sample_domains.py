"""The domains of the sample registry: invented names, and a spread of stories around the demo's start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from jobs.simulator.profiles import profile_of
from jobs.simulator.sample_words import DOMAIN_ENDS, DOMAIN_STARTS, DOMAIN_TAILS
from jobs.simulator.scenarios import Takeover, takeover
from jobs.simulator.specs import Breakage, DomainSpec, Holder, Story, Trouble
from jobs.simulator.world import DEMO_START

GTLDS = ("com", "com", "com", "net", "org", "io")
ALL_TLDS = (*GTLDS, "com", "org", "de", "co.uk", "nl", "fr", "ch", "dev")
STEADY_COUNT = 180
CROWDED_ADDRESSES = 14
INTERNATIONAL = ("möwenquist.de", "brålvik-kode.net", "lumière-tavolle.fr")
TAKEN_OVER = "wrenquill-studio.com"
LAPSED_MAIL, LAPSING_NAMES = "oldmoor-relay.net", "fernhollow-dns.net"
"""What a few healthy domains rely on: a mail operator that nobody has registered any more, and name servers that go
out of DNS on its second day and into redemption a week later."""


@dataclass(frozen=True, slots=True)
class Row:
    """How many domains of one story there are; `expired` is days since expiry at the demo's start (first, last)."""

    story: Story
    tlds: tuple[str, ...]
    count: int
    expired: tuple[float, float]
    turn_hours: tuple[float, float] = (0, 0)


@dataclass(frozen=True, slots=True)
class Planned:
    """A domain, the name people write it by, and how many addresses it carries."""

    spec: DomainSpec
    host: str
    addresses: int


# First what has lapsed when the demo begins, then what lapses or recovers in its first weeks.
ROWS = (
    Row(Story.LAPSE_AND_DROP, GTLDS, 6, (47, 72)),  # in redemption
    Row(Story.LAPSE_AND_DROP, ("co.uk",), 2, (35, 85)),  # suspended, still renewable
    Row(Story.LAPSE_AND_DROP, ("de",), 1, (3, 20)),
    Row(Story.LAPSE_AND_DROP, ("nl",), 2, (5, 30)),  # in quarantine
    Row(Story.LAPSE_AND_DROP, ("fr",), 2, (48, 70)),
    Row(Story.LAPSE_AND_DROP, ("ch",), 1, (10, 30)),
    Row(Story.LAPSE_AND_DROP, GTLDS, 3, (75.5, 79)),  # pending delete
    Row(Story.LAPSE_AND_DROP, GTLDS, 5, (82, 260)),  # available
    Row(Story.DROP_AND_CATCH, GTLDS, 4, (88, 200), (0.1, 60)),
    Row(Story.DROP_AND_CATCH, ("de",), 1, (40, 90), (1, 48)),  # no date will ever prove it
    Row(Story.AUCTION_SALE, ("com",), 2, (45, 80), (1032, 1032)),  # sold on day 43
    Row(Story.LAPSE_AND_RENEW, ("com", "org"), 2, (50, 60), (1560, 1680)),  # restored from redemption
    Row(Story.LAPSE_AND_DROP, GTLDS, 6, (2, 30)),  # in grace
    Row(Story.LAPSE_AND_DROP, GTLDS, 3, (38, 44)),  # DNS interrupted
    Row(Story.DROP_AND_CATCH, GTLDS, 3, (38, 44), (0.1, 6)),
    Row(Story.AUCTION_SALE, ("com",), 2, (28, 40), (1032, 1032)),  # at auction
    Row(Story.LAPSE_AND_RENEW, GTLDS, 3, (5, 20), (600, 840)),  # late payers
    Row(Story.LAPSE_AND_DROP, ("de", "nl", "ch"), 5, (-20, -1)),
    Row(Story.LAPSE_AND_DROP, ("co.uk",), 2, (20, 29)),
    Row(Story.REGISTRAR_OUTAGE, ALL_TLDS, 4, (-300, -100)),
    Row(Story.DNS_ONLY_BREAKAGE, ALL_TLDS, 4, (-300, -100)),
    Row(Story.NEVER_REGISTERED, ("com",), 2, (-300, -100)),
    Row(Story.STEADY, ALL_TLDS, STEADY_COUNT, (-364, -1)),
)

_REGISTRARS = (("Northgrid Names", 9901), ("Harbour Domains", 9902), ("Pinfold Registry Services", 9903))


def planned_domains() -> list[Planned]:
    """Return the sample's own domains, the same at every call."""
    random = Random("lapsewatch sample domains")
    names = _names(random)
    planned = [
        _planned(random, _spec(random, row, f"{next(names)}.{random.choice(row.tlds)}"))
        for row in ROWS
        for _ in range(row.count)
    ]
    planned[0] = replace(planned[0], addresses=CROWDED_ADDRESSES)
    return [*_leaning(planned), *_international(random), Planned(demo_takeover().spec, TAKEN_OVER, 0)]


def relied_on() -> list[DomainSpec]:
    """Return the two small operators that are lost in the demo; no address is at either."""
    return [_operator(LAPSED_MAIL, 84), _operator(LAPSING_NAMES, 36)]


def _operator(name: str, expired_days: float) -> DomainSpec:
    servers = ("ns1.northgrid-dns.net", "ns2.northgrid-dns.net")
    return DomainSpec(
        name=name,
        profile=profile_of(name),
        story=Story.LAPSE_AND_DROP,
        created_at=datetime(2011, 6, 1, 9, tzinfo=UTC),
        expires_at=DEMO_START - timedelta(days=expired_days),
        holder=Holder("Harbour Domains", 9902, f"{name[:3].upper()}1_DOMAIN-SIM", servers, ()),
    )


def _leaning(planned: list[Planned]) -> list[Planned]:
    """Let the last few domains, which are healthy, rely on what is lost: one for its second mail host alone."""
    mail, names = (f"mx.{LAPSED_MAIL}",), (f"ns1.{LAPSING_NAMES}", f"ns2.{LAPSING_NAMES}")
    others = ("mx1.mailharbor-mx.net", *mail)
    changes: tuple[dict[str, Any], ...] = ({"mx": mail}, {"mx": mail}, {"mx": others}, {"ns": names}, {"ns": names})
    first = len(planned) - len(changes)
    leaning = [
        replace(each, spec=replace(each.spec, holder=replace(each.spec.holder, **change)))
        for each, change in zip(planned[first:], changes, strict=True)
    ]
    return [*planned[:first], *leaning]


def demo_takeover() -> Takeover:
    """Return the ctx story two hours before the demo begins; its one address comes with its own account."""
    return takeover(TAKEN_OVER, DEMO_START - timedelta(hours=2), datetime(2019, 3, 4, 10, tzinfo=UTC), "a-0000")


def _names(random: Random) -> Iterator[str]:
    """Yield invented first labels, none twice."""
    stems = [start + end for start in DOMAIN_STARTS for end in DOMAIN_ENDS]
    random.shuffle(stems)
    for stem in stems:
        yield f"{stem}-{random.choice(DOMAIN_TAILS)}"


def _spec(random: Random, row: Row, name: str) -> DomainSpec:
    expires_at = _whole_seconds(DEMO_START - timedelta(days=random.uniform(*row.expired)))
    born = datetime(2005, 1, 1, tzinfo=UTC) + timedelta(days=random.randrange(5000))
    created_at = expires_at.replace(year=born.year, day=min(expires_at.day, 28))
    return DomainSpec(
        name=name,
        profile=profile_of(name),
        story=row.story,
        created_at=created_at,
        expires_at=expires_at,
        holder=_holder(random, name),
        successor=_successor(random) if row.story in {Story.DROP_AND_CATCH, Story.AUCTION_SALE} else None,
        turn_hours=random.uniform(*row.turn_hours),
        trouble=_trouble(random, row.story),
    )


def _holder(random: Random, name: str) -> Holder:
    registrar, iana_id = random.choice(_REGISTRARS)
    own_mail = random.random() < 0.3
    return Holder(
        registrar=registrar,
        iana_id=iana_id,
        handle=f"{random.randrange(10**6, 10**7)}_DOMAIN-SIM",
        ns=("ns1.northgrid-dns.net", "ns2.northgrid-dns.net"),
        mx=(f"mail.{name}",) if own_mail else ("mx1.mailharbor-mx.net", "mx2.mailharbor-mx.net"),
        signed=random.random() < 0.2,
    )


def _successor(random: Random) -> Holder:
    return Holder(
        registrar="Quickcatch Registrations",
        iana_id=9907,
        handle=f"{random.randrange(10**7, 10**8)}_DOMAIN-SIM",
        ns=("ns1.otherhost-dns.net", "ns2.otherhost-dns.net"),
        mx=("mx.otherhost-dns.net",) if random.random() < 0.8 else (),
        address="198.51.100.7",
    )


def _trouble(random: Random, story: Story) -> Trouble | None:
    if story is Story.REGISTRAR_OUTAGE:
        starts_at = DEMO_START + timedelta(days=random.uniform(-1, 8))
        return Trouble(_whole_seconds(starts_at), 42, Breakage.SERVFAIL)
    if story is Story.DNS_ONLY_BREAKAGE:
        starts_at = DEMO_START - timedelta(days=random.uniform(5, 90))
        return Trouble(_whole_seconds(starts_at), 24 * 365, random.choice((Breakage.LAME, Breakage.NXDOMAIN)))
    return None


def _international(random: Random) -> Iterator[Planned]:
    """Yield internationalised domains; the first is in its redemption when the demo begins."""
    rows = (Row(Story.LAPSE_AND_DROP, (), 1, (5, 20)), *[Row(Story.STEADY, (), 1, (-300, -10))] * 2)
    for row, host in zip(rows, INTERNATIONAL, strict=True):
        spec = _spec(random, row, host.encode("idna").decode())
        yield Planned(spec, host, 2)


def _planned(random: Random, spec: DomainSpec) -> Planned:
    return Planned(spec, spec.name, random.choices((1, 2, 3, 4), (75, 16, 6, 3))[0])


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
