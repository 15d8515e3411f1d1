from __future__ import annotations

import pytest

from dashboard.lifecycle.evidence import (
    Phase,
)
from tests.support.readings import DAY, NOW, fastly, judge, rdap


def test_redemption_of_a_generic_name() -> None:
    found = judge(rdap(Phase.REDEMPTION, stood=10)).predicted
    assert found.redemption is None
    assert found.pending_delete is not None
    assert found.drop is not None
    assert (found.pending_delete.date, found.drop.date) == (NOW + 20 * DAY, NOW + 25 * DAY)
    assert "2026-02-19" in found.drop.basis


def test_the_registrys_own_date_of_the_change_beats_the_first_sighting() -> None:
    found = judge(rdap(Phase.REDEMPTION, changed_at=NOW - 12 * DAY)).predicted
    assert found.drop is not None
    assert found.drop.date == NOW + 23 * DAY
    stale = judge(rdap(Phase.REDEMPTION, changed_at=NOW - 200 * DAY)).predicted
    assert stale.drop is not None
    assert stale.drop.date == NOW + 35 * DAY


@pytest.mark.parametrize(
    ("domain", "phase", "expires", "drop_in_days"),
    [
        ("a.com", Phase.PENDING_DELETE, None, 5),
        ("a.com", Phase.AUTO_RENEW_GRACE, -10, 70),
        ("a.com", Phase.AUTO_RENEW_GRACE, None, None),
        ("a.co.uk", Phase.AUTO_RENEW_GRACE, -10, 85),
        ("a.uk", Phase.REDEMPTION, -40, 55),
        ("a.uk", Phase.REDEMPTION, None, None),
        ("a.nl", Phase.REDEMPTION, None, 40),
        ("a.eu", Phase.REDEMPTION, None, 40),
        ("a.fr", Phase.REDEMPTION, None, 30),
        ("a.fr", Phase.AUTO_RENEW_GRACE, -10, None),
        ("a.de", Phase.REDEMPTION, None, 30),
        ("a.au", Phase.REDEMPTION, None, 30),
        ("a.com.au", Phase.AUTO_RENEW_GRACE, -10, 20),
        ("a.eu", Phase.AUTO_RENEW_GRACE, -10, 30),
        ("a.eu", Phase.REDEMPTION, -10, 30),
        (
            "a.eu",
            Phase.REDEMPTION,
            -50,
            40,
        ),  # it began after the published date's end: that date is none to count from
        ("a.au", Phase.PENDING_DELETE, -92, 30),
        ("a.ru", Phase.PENDING_DELETE, -92, None),
        ("a.be", Phase.REDEMPTION, None, 40),
        ("a.nz", Phase.REDEMPTION, None, 90),
        ("a.us", Phase.REDEMPTION, None, 35),
        ("a.ru", Phase.AUTO_RENEW_GRACE, -10, 20),
        ("a.su", Phase.AUTO_RENEW_GRACE, -10, 20),
        ("a.xn--p1ai", Phase.AUTO_RENEW_GRACE, -10, 20),
        ("a.ru", Phase.AUTO_RENEW_GRACE, None, None),
        ("a.io", Phase.REDEMPTION, None, 35),
        ("a.me", Phase.PENDING_DELETE, None, 5),
        ("a.se", Phase.REDEMPTION, None, None),
        ("a.com", Phase.ACTIVE, 30, None),
        ("a.com", Phase.HOLD, 30, None),
    ],
)
def test_the_drop_by_top_level_domain(
    domain: str, phase: Phase, expires: int | None, drop_in_days: int | None
) -> None:
    found = judge(rdap(phase, expires_at=None if expires is None else NOW + expires * DAY), domain=domain)
    drop = found.predicted.drop
    assert (drop.date if drop else None) == (None if drop_in_days is None else NOW + drop_in_days * DAY)
    assert drop is None or drop.basis


def test_grace_counts_from_the_registrars_date_not_from_the_renewed_one() -> None:
    late = rdap(Phase.AUTO_RENEW_GRACE, expires_at=NOW + 355 * DAY, registrar_expires_at=NOW - 10 * DAY)
    found = judge(late).predicted.redemption
    assert found is not None
    assert found.date == NOW + 35 * DAY


def test_of_an_available_domain_the_drop_is_when_it_was_first_seen_unregistered() -> None:
    drop = judge(rdap(Phase.AVAILABLE, stood=6), fastly("inactive", stood=4)).predicted.drop
    assert drop is not None
    assert drop.date == NOW - 6 * DAY
