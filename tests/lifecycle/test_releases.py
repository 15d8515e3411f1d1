"""When the lapse or the catch was, from which on what happened to accounts weighs."""

from __future__ import annotations

from datetime import timedelta

from dashboard.lifecycle.evidence import Phase, Provider, Reading
from tests.support.readings import DAY, NOW, dns, failed, fastly, judge, rdap


def test_of_a_caught_name_it_is_the_catch() -> None:
    assert judge(rdap(Phase.ACTIVE, registered=NOW - 3 * DAY)).lapsed_at == NOW - 3 * DAY


def test_of_a_sold_name_it_is_the_sale_and_not_its_creation() -> None:
    expired = NOW - 50 * DAY
    before = rdap(Phase.AUTO_RENEW_GRACE, ago=40, registrar="Old Names", expires_at=expired)
    after = rdap(Phase.ACTIVE, registrar="New Names", expires_at=NOW + 300 * DAY, transferred_at=NOW - 7 * DAY)
    found = judge(before, after)
    assert (found.holder_changed, found.lapsed_at) == (True, NOW - 7 * DAY)


def test_of_a_lapsing_name_it_is_its_expiry() -> None:
    assert judge(rdap(Phase.REDEMPTION, expires_at=NOW - 60 * DAY)).lapsed_at == NOW - 60 * DAY


def test_the_registrars_date_counts_where_the_registry_renewed_its_own() -> None:
    reading = rdap(Phase.REDEMPTION, expires_at=NOW + 305 * DAY, registrar_expires_at=NOW - 60 * DAY)
    assert judge(reading).lapsed_at == NOW - 60 * DAY


def test_without_dates_it_is_the_first_sight() -> None:
    assert judge(rdap(Phase.REDEMPTION, stood=4)).lapsed_at == NOW - 4 * DAY
    assert judge(fastly("undelegated inactive", stood=2), dns()).lapsed_at == NOW - 2 * DAY


def test_a_healthy_name_and_silence_have_none() -> None:
    def lapsed_at(*readings: Reading) -> object:
        return judge(*readings).lapsed_at

    assert lapsed_at(rdap(Phase.ACTIVE, expires_at=NOW + timedelta(days=3))) is None
    assert lapsed_at(failed(Provider.FASTLY)) is None
    assert lapsed_at(dns()) is None
