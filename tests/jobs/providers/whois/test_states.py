"""States as registries write them, each in a short reply made up after the manner of its server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.lifecycle.evidence import Outcome, Phase
from jobs.providers.whois.parse import parse_whois
from tests.jobs.providers.helpers import NOW


@pytest.mark.parametrize(
    ("domain", "text", "phase"),
    [
        ("brelwick.de", "Domain: brelwick.de\nStatus: connect\n", Phase.ACTIVE),
        ("brelwick.de", "Domain: brelwick.de\nStatus: redemptionPeriod\n", Phase.REDEMPTION),
        ("brelwick.eu", "% WHOIS brelwick.eu\nDomain: brelwick.eu\nStatus: WITHDRAWN\n", Phase.HOLD),
        ("brelwick.eu", "% WHOIS brelwick.eu\nDomain: brelwick.eu\nStatus: SEIZED\n", Phase.HOLD),
        ("brelwick.eu", "% WHOIS brelwick.eu\nDomain: brelwick.eu\nStatus: QUARANTINE\n", Phase.REDEMPTION),
        ("brelwick.nl", "brelwick.nl is in quarantine\n", Phase.REDEMPTION),
        ("brelwick.nl", "brelwick.nl is withdrawn\n", Phase.HOLD),
        ("brelwick.ee", "Domain:\nname: brelwick.ee\nstatus: deleteCandidate\n", Phase.PENDING_DELETE),
        ("brelwick.ee", "Domain:\nname: brelwick.ee\nstatus: AtAuction\n", Phase.PENDING_DELETE),
        ("brelwick.ro", "Domain Name: brelwick.ro\nDomain Status: UpdateProhibited, Hold, Locked\n", Phase.HOLD),
        ("brelwick.br", "domain: brelwick.br\ncreated: 20120921\nstatus: release process\n", Phase.PENDING_DELETE),
        ("brelwick.xyz", "The queried object does not exist: Reserved by Registry\n", Phase.RESERVED),
        ("brelwick.xyz", "Not found: this name is blocked by a brand owner\n", Phase.RESERVED),
    ],
)
def test_a_state_alone_tells_the_phase(domain: str, text: str, phase: Phase) -> None:
    for name in (domain, "." + domain.rpartition(".")[2]):
        reading = parse_whois(text, name, NOW)
        assert (reading.outcome, reading.phase) == (Outcome.FOUND, phase)


def test_reserved_beside_not_found_frees_nothing() -> None:
    text = "No match for brelwick.zz\n\nThis name is reserved by the registry.\n"
    assert parse_whois(text, "brelwick.zz", NOW).outcome is Outcome.ERROR


def test_rights_reserved_are_not_a_name_reserved() -> None:
    text = "% Restricted rights.\n\nNo match for brelwick.zz\n\nAll rights\nreserved.\n"
    assert parse_whois(text, "brelwick.zz", NOW).outcome is Outcome.NOT_FOUND


def test_the_registrar_is_read_from_its_block_without_its_link() -> None:
    linked = (
        "domain: brelwick.at\nregistrar: Northgrid GmbH ( https://registrar.test/12 )\nnserver: ns1.brelwick.net\n"
    )
    block = "** Domain Name: brelwick.com.tr\nDomain Status: Active\n\n** Registrar:\nNIC Handle\t: ng1\nOrganization Name\t: Northgrid\n"
    assert parse_whois(linked, "brelwick.at", NOW).registrar == "Northgrid GmbH"
    assert parse_whois(block, "brelwick.com.tr", NOW).registrar == "Northgrid"


@pytest.mark.parametrize(
    ("behind", "phase"),
    [("2026-10-20", Phase.AUTO_RENEW_GRACE), ("2026-06-20", Phase.ACTIVE), ("2027-06-20", Phase.ACTIVE)],
)
def test_a_registrars_own_date_behind_is_grace(behind: str, phase: Phase) -> None:
    text = (
        "Domain Name: brelwick.com\nCreation Date: 2012-09-21T11:02:03Z\n"
        f"Registrar Registration Expiration Date: {behind}T11:02:03Z\nRegistrar: Northgrid\n"
        "Name Server: ns1.brelwick-dns.net\n"
    )
    reading = parse_whois(text, "brelwick.com", datetime(2026, 11, 22, tzinfo=UTC))
    assert reading.phase is phase
