from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import AddressFacts
from dashboard.lifecycle.evidence import Phase, Rcode, Reading
from dashboard.lifecycle.warning import Ending, Warned, WarningKind, early_warning, warning_ended
from tests.support.readings import DAY, NOW, OLD, VERIFIED, dns, failed, fastly, judge, rdap


def warned(*readings: Reading, address: AddressFacts = VERIFIED) -> Warned | None:
    return early_warning(judge(*readings, addresses=(address,)), readings, NOW)


def ended(began_with: datetime | None, *readings: Reading) -> Ending | None:
    return warning_ended(began_with, judge(*readings), readings, NOW)


def expires(days: float, registrar: float | None = None, phase: Phase = Phase.ACTIVE) -> Reading:
    date = None if registrar is None else NOW + registrar * DAY
    return rdap(phase, expires_at=NOW + days * DAY, registrar_expires_at=date)


@pytest.mark.parametrize(
    ("days", "told"), [(46, False), (45, True), (1, True), (0.01, True), (0, False), (-1, False), (400, False)]
)
def test_expiry_within_45_days(days: float, told: bool) -> None:  # noqa: FBT001  a table's column
    expected = Warned(WarningKind.EXPIRES_SOON, NOW + days * DAY) if told else None
    assert warned(expires(days)) == expected


def test_the_registrars_date_is_the_one_that_was_paid_for() -> None:
    assert warned(expires(355, registrar=30)) == Warned(WarningKind.EXPIRES_SOON, NOW + 30 * DAY)


def test_in_grace() -> None:
    found = warned(expires(355, registrar=-10, phase=Phase.AUTO_RENEW_GRACE))
    assert found == Warned(WarningKind.IN_GRACE, NOW - 10 * DAY)


@pytest.mark.parametrize(
    ("dark", "told"),
    [
        ([dns(Rcode.NXDOMAIN)], True),
        ([dns(Rcode.NOERROR)], False),
        ([dns(Rcode.SERVFAIL)], False),
        ([fastly("undelegated parked expiring")], True),
        ([], False),
    ],
)
def test_in_redemption_once_its_mail_is_cut_off(dark: list[Reading], told: bool) -> None:  # noqa: FBT001  a table's column
    assert (warned(rdap(Phase.REDEMPTION), *dark) is not None) == told


def test_name_servers_for_expired_names_are_parking() -> None:
    parked = rdap(Phase.REDEMPTION, nameservers=("ns1.renewyourdomain.net",))
    assert warned(parked) == Warned(WarningKind.DARK_IN_REDEMPTION, None)


def test_whoever_may_be_the_new_holder_is_not_warned() -> None:
    caught = rdap(Phase.ACTIVE, registered=NOW - 5 * DAY, expires_at=NOW + 40 * DAY)
    assert judge(caught).holder_changed
    assert warned(caught) is None


def test_silence_and_healthy_names_warn_of_nothing() -> None:
    assert warned(failed()) is None
    assert warned(rdap(Phase.ACTIVE)) is None
    assert warned(rdap(Phase.AVAILABLE)) is None


SOON = NOW + 20 * DAY


@pytest.mark.parametrize(
    ("began_with", "reading", "how"),
    [
        (SOON, expires(20), None),  # as before
        (SOON, expires(385), Ending.RENEWED),  # the registry's own renewal comes at the expiry, not before
        (NOW - 5 * DAY, expires(360), None),  # which this may be
        (NOW - 5 * DAY, expires(360, registrar=360), Ending.RENEWED),
        (NOW - 5 * DAY, expires(360, registrar=-5), None),
        (NOW - 46 * DAY, expires(319), Ending.RENEWED),  # its grace is over
        (NOW - 46 * DAY, rdap(Phase.ACTIVE), Ending.RENEWED),
        (SOON, rdap(Phase.ACTIVE), None),
        (None, rdap(Phase.ACTIVE), Ending.RENEWED),  # the registry gives no dates
        (None, rdap(Phase.REDEMPTION), None),
        (SOON, rdap(Phase.AVAILABLE), Ending.LOST),
        (SOON, failed(), None),
    ],
)
def test_how_a_warning_ends(began_with: datetime | None, reading: Reading, how: Ending | None) -> None:
    assert ended(began_with, reading) == how


def test_a_catch_ends_it_too() -> None:
    assert ended(SOON, rdap(Phase.ACTIVE, registered=NOW - 5 * DAY, expires_at=NOW + 360 * DAY)) is Ending.LOST


@given(
    st.sampled_from(list(Phase)),
    st.one_of(st.none(), st.integers(-800, 800)),
    st.one_of(st.none(), st.integers(-800, 800)),
)
def test_a_domain_is_never_warned_of_and_done_with_at_once(
    phase: Phase, registry: int | None, registrar: int | None
) -> None:
    def moment(days: int | None) -> datetime | None:
        return None if days is None else NOW + days * DAY

    reading = rdap(phase, registered=OLD, expires_at=moment(registry), registrar_expires_at=moment(registrar))
    found = warned(reading)
    if found is not None:
        assert ended(found.expires_at, reading) is None
