from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Delegation, Phase, Rcode
from dashboard.lifecycle.phases import epp_word, phase_from_delegation, phase_from_epp, phase_from_status_api

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)

PYPI_FIRST_RUN = {
    "undelegated inactive": Phase.AVAILABLE,
    "undelegated active": Phase.HOLD,
    "unknown": Phase.UNKNOWN,
    "inactive": Phase.AVAILABLE,
    "undelegated": Phase.UNKNOWN,
    "marketed priced undelegated active": Phase.ACTIVE,
    "undelegated inactive premium": Phase.AVAILABLE,
    "undelegated active deleting": Phase.PENDING_DELETE,
    "inactive active": Phase.UNKNOWN,
    "undelegated reserved": Phase.RESERVED,
    "undelegated claimed": Phase.RESERVED,
    "marketed priced deleting": Phase.PENDING_DELETE,
}


@pytest.mark.parametrize(("statuses", "phase"), PYPI_FIRST_RUN.items())
def test_status_sets_of_a_first_run_become_careful_phases(statuses: str, phase: Phase) -> None:
    assert phase_from_status_api(statuses.split()) is phase


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        ("active", Phase.ACTIVE),
        ("parked active", Phase.ACTIVE),
        ("expiring active", Phase.REDEMPTION),
        ("expiring deleting", Phase.PENDING_DELETE),
        ("inactive reserved", Phase.RESERVED),
        ("inactive dpml", Phase.RESERVED),
        ("inactive disallowed", Phase.RESERVED),
        ("unknown inactive", Phase.UNKNOWN),
        ("unknown deleting", Phase.UNKNOWN),
        ("invalid inactive", Phase.UNKNOWN),
        ("inactive marketed", Phase.UNKNOWN),
        ("inactive parked", Phase.UNKNOWN),
        ("inactive zone", Phase.UNKNOWN),
        ("undelegated marketed priced", Phase.UNKNOWN),
        ("undelegated parked", Phase.UNKNOWN),
        ("premium", Phase.UNKNOWN),
        ("a word from the future", Phase.UNKNOWN),
        ("", Phase.UNKNOWN),
    ],
)
def test_other_status_sets(statuses: str, phase: Phase) -> None:
    assert phase_from_status_api(statuses.split()) is phase


def test_statuses_in_one_string_and_any_case_are_the_same_set() -> None:
    assert phase_from_status_api(["Undelegated INACTIVE"]) is Phase.AVAILABLE


@given(st.lists(st.sampled_from(sorted({word for statuses in PYPI_FIRST_RUN for word in statuses.split()}))))
def test_the_order_of_statuses_means_nothing(words: list[str]) -> None:
    assert phase_from_status_api(words) is phase_from_status_api(sorted(set(words)))


@given(st.lists(st.text()))
def test_any_text_is_some_phase(words: list[str]) -> None:
    assert phase_from_status_api(words) in Phase


def epp(*statuses: str, tld: str = "com", expires: int | None = 100, registrar: int | None = None) -> Phase:
    """Days are counted from NOW."""
    return phase_from_epp(
        statuses,
        expires_at=None if expires is None else NOW + expires * DAY,
        registrar_expires_at=None if registrar is None else NOW + registrar * DAY,
        now=NOW,
        tld=tld,
    )


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        (["active"], Phase.ACTIVE),
        ([], Phase.ACTIVE),
        (["client transfer prohibited", "client delete prohibited"], Phase.ACTIVE),
        (["inactive"], Phase.HOLD),
        (["client hold"], Phase.HOLD),
        (["serverHold"], Phase.HOLD),
        (["clientHold https://icann.org/epp#clientHold"], Phase.HOLD),
        (["reserved"], Phase.RESERVED),
        (["pending delete"], Phase.PENDING_DELETE),
        (["pendingDelete", "client hold"], Phase.PENDING_DELETE),
        (["pending delete", "redemption period"], Phase.REDEMPTION),
        (["PENDING-DELETE RESTORABLE"], Phase.REDEMPTION),
        (["redemptionPeriod"], Phase.REDEMPTION),
        (["pending restore", "pending delete", "redemption period"], Phase.PENDING_RESTORE),
        (["in quarantine"], Phase.REDEMPTION),
    ],
)
def test_epp_and_rdap_words_follow_their_precedence(statuses: list[str], phase: Phase) -> None:
    assert epp(*statuses) is phase


@pytest.mark.parametrize(
    ("registrar", "expires", "statuses", "phase"),
    [
        (None, 400, ["auto renew period"], Phase.ACTIVE),
        (355, 355, ["auto renew period"], Phase.ACTIVE),
        (-10, 355, ["auto renew period"], Phase.AUTO_RENEW_GRACE),
        (-10, 355, ["active"], Phase.AUTO_RENEW_GRACE),
        (-60, 305, ["active"], Phase.ACTIVE),
        (-10, -10, ["active"], Phase.AUTO_RENEW_GRACE),
        (None, -10, ["active"], Phase.AUTO_RENEW_GRACE),
        (None, -2000, ["active"], Phase.ACTIVE),
        (-10, 355, ["auto renew period", "client hold"], Phase.AUTO_RENEW_GRACE),
    ],
)
def test_auto_renew_period_is_grace_only_when_the_registrars_date_is_behind(
    registrar: int | None, expires: int, statuses: list[str], phase: Phase
) -> None:
    assert epp(*statuses, expires=expires, registrar=registrar) is phase


@pytest.mark.parametrize(
    ("tld", "expired_days_ago", "phase"),
    [
        ("uk", 35, Phase.REDEMPTION),
        ("co.uk", 89, Phase.REDEMPTION),
        ("uk", 90, Phase.PENDING_DELETE),
        ("uk", 94, Phase.PENDING_DELETE),
        ("uk", None, Phase.REDEMPTION),
        ("com", 35, Phase.PENDING_DELETE),
        ("com", None, Phase.PENDING_DELETE),
    ],
)
def test_a_pending_delete_that_can_be_renewed_under_uk_is_redemption(
    tld: str, expired_days_ago: int | None, phase: Phase
) -> None:
    expires = None if expired_days_ago is None else -expired_days_ago
    assert epp("pending delete", tld=tld, expires=expires) is phase


@pytest.mark.parametrize(
    ("expired_days_ago", "phase"),
    [
        (29, Phase.AUTO_RENEW_GRACE),
        (30, Phase.REDEMPTION),
        (89, Phase.REDEMPTION),
        (94, Phase.REDEMPTION),
        (96, Phase.ACTIVE),
    ],
)
@pytest.mark.parametrize("status", ["active", "server hold", "client transfer prohibited"])
def test_from_day_30_the_date_alone_says_that_a_uk_name_is_suspended(
    status: str, expired_days_ago: int, phase: Phase
) -> None:
    found = epp(status, tld="co.uk", expires=-expired_days_ago)
    assert found is (Phase.HOLD if phase is Phase.ACTIVE and status == "server hold" else phase)


@given(st.lists(st.text()), st.none() | st.integers(-9000, 9000).map(lambda days: NOW + days * DAY))
def test_a_found_registration_is_never_called_available_nor_unknown(
    statuses: list[str], date: datetime | None
) -> None:
    phase = phase_from_epp(statuses, expires_at=date, registrar_expires_at=date, now=NOW, tld="com")
    assert phase not in {Phase.AVAILABLE, Phase.UNKNOWN}


def test_epp_words_are_spelled_as_rdap_spells_them() -> None:
    assert epp_word("clientTransferProhibited (https://icann.org/epp#x)") == "client transfer prohibited"


@pytest.mark.parametrize(
    ("rcode", "nameservers", "phase"),
    [
        (Rcode.NXDOMAIN, (), Phase.AVAILABLE),
        (Rcode.NOERROR, ("ns1.host.net",), Phase.ACTIVE),
        (Rcode.NOERROR, None, Phase.ACTIVE),
        (Rcode.NOERROR, (), Phase.UNKNOWN),
        (Rcode.SERVFAIL, (), Phase.UNKNOWN),
        (Rcode.REFUSED, (), Phase.UNKNOWN),
        (Rcode.TIMEOUT, (), Phase.UNKNOWN),
        (Rcode.SERVFAIL, None, Phase.UNKNOWN),
        (Rcode.REFUSED, ("ns1.host.net",), Phase.UNKNOWN),
    ],
)
def test_only_nxdomain_points_to_a_lapse(rcode: Rcode, nameservers: tuple[str, ...] | None, phase: Phase) -> None:
    assert phase_from_delegation(Delegation(rcode), nameservers) is phase


def test_an_address_record_alone_is_no_delegation() -> None:
    assert phase_from_delegation(Delegation(Rcode.NOERROR, has_address=True), ()) is Phase.UNKNOWN
