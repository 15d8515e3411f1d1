from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import (
    AddressFacts,
    Confidence,
    History,
    HolderChange,
    Recommendation,
    RegistrationPeriod,
)
from dashboard.lifecycle.evidence import (
    Evidence,
    Outcome,
    Phase,
    Provider,
    Reading,
)
from tests.support.readings import DAY, NOW, OLD, VERIFIED, dns, fastly, judge, rdap


def caught(days_ago: int = 100, **more: Any) -> Reading:
    return rdap(Phase.ACTIVE, registered=NOW - days_ago * DAY, **more)


def test_an_address_verified_before_the_present_registration_is_at_risk() -> None:
    found = judge(caught())
    assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
    assert found.holder_changed is True
    assert found.recommendation is Recommendation.REVIEW
    assert found.addresses[0].at_risk is True
    assert found.reasons[0] == "The only verified address is older than the present holder's time."


@pytest.mark.parametrize(("early", "at_risk"), [(timedelta(hours=23), False), (timedelta(hours=25), True)])
def test_a_day_is_forgiven(early: timedelta, *, at_risk: bool) -> None:
    found = judge(caught(), addresses=(AddressFacts("1", NOW - 100 * DAY - early),))
    assert found.addresses[0].at_risk is at_risk


def test_without_verification_date_a_younger_account_is_safe() -> None:
    found = judge(caught(), addresses=(AddressFacts("1", None, NOW - 50 * DAY),))
    assert (found.addresses[0].at_risk, found.holder_change) == (False, HolderChange.NONE)
    assert found.recommendation is Recommendation.NONE


@pytest.mark.parametrize("created", [None, NOW - 200 * DAY])
def test_without_verification_date_an_older_account_is_unproven(created: datetime | None) -> None:
    found = judge(caught(), addresses=(AddressFacts("1", None, created),))
    assert found.addresses[0].at_risk is None
    assert found.addresses[0].why.startswith("unproven")
    assert (found.holder_change, found.holder_changed) == (HolderChange.UNPROVEN, None)
    assert found.recommendation is Recommendation.REVIEW


def test_unproven_is_never_unverified() -> None:
    dropping = rdap(Phase.PENDING_DELETE, stood=3, registered=NOW - 100 * DAY)
    found = judge(dropping, dns(), addresses=(AddressFacts("1", None, NOW - 200 * DAY),))
    assert found.recommendation is Recommendation.REVIEW


def test_a_suspected_change_of_holder_is_never_unverified() -> None:
    found = judge(rdap(Phase.PENDING_DELETE, stood=3, registered=NOW - 100 * DAY), dns())
    assert (found.holder_change, found.recommendation) == (HolderChange.DROPPED_AND_CAUGHT, Recommendation.REVIEW)


def test_a_re_verification_under_the_new_holder_clears_nothing() -> None:
    again = AddressFacts("1", NOW - 5 * DAY, None, first_verified_at=NOW - 400 * DAY)
    found = judge(caught(), addresses=(again,))
    assert found.addresses[0].at_risk is True
    assert "re-verified under the new holder" in found.addresses[0].why
    assert found.recommendation is Recommendation.REVIEW


def test_no_date_and_no_history_is_unknowable_and_flags_nothing() -> None:
    found = judge(rdap(Phase.ACTIVE, registered=None))
    assert (found.holder_change, found.holder_changed) == (HolderChange.UNKNOWN, None)
    assert found.recommendation is Recommendation.NONE


def test_every_address_of_an_unregistered_domain_is_at_risk_but_its_holder_did_not_change() -> None:
    found = judge(rdap(Phase.AVAILABLE), dns(), addresses=(AddressFacts("1", None), VERIFIED))
    assert [address.at_risk for address in found.addresses] == [True, True]
    assert found.holder_changed is False
    assert found.recommendation is Recommendation.UNVERIFY


def test_a_sighting_of_nobody_before_the_registration_is_a_change_of_holder() -> None:
    seen = History(unregistered_seen_at=NOW - 101 * DAY)
    assert judge(caught(), addresses=(), history=seen).holder_change is HolderChange.DROPPED_AND_CAUGHT


def test_a_sighting_belied_by_the_creation_date_is_none() -> None:
    seen = History(unregistered_seen_at=NOW - 10 * DAY)
    assert judge(rdap(Phase.ACTIVE), history=seen).holder_change is HolderChange.NONE


def test_without_dates_a_sighting_of_nobody_is_enough_to_suspect() -> None:
    found = judge(rdap(Phase.ACTIVE, registered=None), history=History(unregistered_seen_at=NOW - 10 * DAY))
    assert (found.holder_change, found.recommendation) == (HolderChange.DROPPED_AND_CAUGHT, Recommendation.REVIEW)
    assert found.addresses[0].at_risk is True


def test_two_providers_that_disagree_today_are_a_conflict_not_a_change_of_holder() -> None:
    found = judge(rdap(Phase.ACTIVE, registered=None), fastly("inactive"))
    assert found.confidence is Confidence.CONFLICTING
    assert found.holder_change is HolderChange.UNKNOWN


def test_an_earlier_period_is_a_change_of_holder() -> None:
    past = History(periods=(RegistrationPeriod(OLD, NOW - 130 * DAY, "First", "H1"),))
    found = judge(caught(), addresses=(), history=past)
    assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
    assert found.reasons[0] == "An earlier registration at First began on 2017-12-13; the present one on 2025-11-21."


def test_a_change_of_holder_before_every_verification_concerns_nobody() -> None:
    past = History(periods=(RegistrationPeriod(OLD, NOW - 130 * DAY),))
    found = judge(caught(), addresses=(AddressFacts("1", NOW - 50 * DAY),), history=past)
    assert found.holder_changed is True
    assert found.recommendation is Recommendation.NONE


def test_a_domain_that_changed_hands_once_and_is_lost_again_is_left_to_a_person() -> None:
    past = History(periods=(RegistrationPeriod(OLD, NOW - 930 * DAY), RegistrationPeriod(NOW - 900 * DAY, NOW)))
    found = judge(rdap(Phase.AVAILABLE), dns(), history=past)
    assert (found.holder_changed, found.recommendation) == (True, Recommendation.REVIEW)


def test_a_changed_handle_is_a_change_of_holder() -> None:
    found = judge(rdap(Phase.ACTIVE, ago=20, handle="D1-LR"), rdap(Phase.ACTIVE, handle="D2-LR"))
    assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
    assert found.recommendation is Recommendation.REVIEW
    past = History(periods=(RegistrationPeriod(OLD, None, None, "D1-LR"),))
    assert judge(rdap(Phase.ACTIVE, handle="D2-LR"), history=past).holder_changed is True
    assert judge(rdap(Phase.ACTIVE, handle="d1-lr"), history=past).holder_changed is False
    assert judge(rdap(Phase.ACTIVE, handle=None), history=past).holder_changed is False


def test_handles_of_two_directories_are_not_compared() -> None:
    found = judge(rdap(Phase.ACTIVE, handle="D1-LR"), rdap(Phase.ACTIVE, provider=Provider.WHOIS, handle="1 (LR)"))
    assert found.holder_change is HolderChange.NONE


def test_a_sighting_before_says_nothing_of_a_domain_that_is_still_dropping() -> None:
    seen = History(unregistered_seen_at=NOW - 3 * DAY)
    assert judge(rdap(Phase.REDEMPTION, registered=None), history=seen).holder_change is HolderChange.UNKNOWN


def test_another_registrar_after_expiry_with_the_same_date_is_a_sale() -> None:
    before = rdap(Phase.AUTO_RENEW_GRACE, ago=20, registrar="First", registrar_expires_at=NOW - 30 * DAY)
    after = rdap(Phase.ACTIVE, registrar="Second", registrar_expires_at=NOW + 300 * DAY)
    found = judge(before, after)
    assert (found.holder_change, found.recommendation) == (HolderChange.SOLD, Recommendation.REVIEW)
    assert found.addresses[0].at_risk is True
    later = judge(
        after,
        history=History(periods=(RegistrationPeriod(OLD, None, "First"),), previous_phase=Phase.AUTO_RENEW_GRACE),
    )
    assert later.holder_change is HolderChange.SOLD


def test_an_ordinary_transfer_is_no_sale() -> None:
    before = rdap(Phase.ACTIVE, ago=20, registrar="First", registrar_expires_at=NOW + 30 * DAY)
    after = rdap(Phase.ACTIVE, registrar="Second", registrar_expires_at=NOW + 395 * DAY)
    past = History(periods=(RegistrationPeriod(OLD, None, "First"),), previous_phase=Phase.ACTIVE)
    assert judge(before, after, history=past).holder_change is HolderChange.NONE


def test_directories_that_disagree_on_the_date_are_read_cautiously() -> None:
    found = judge(caught(), rdap(Phase.ACTIVE, provider=Provider.WHOIS))
    assert found.holder_changed is True
    assert any("disagree" in reason for reason in found.reasons)


def test_the_ctx_story() -> None:
    registered = datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)
    now = datetime(2022, 5, 14, 18, 50, tzinfo=UTC)
    new = Evidence(Provider.RDAP, "a.com", now, Outcome.FOUND, Phase.ACTIVE, ("active",), registered_at=registered)
    address = AddressFacts("1", datetime(2014, 12, 19, tzinfo=UTC))
    found = assess("a.com", [Reading(new, now, now)], [address], History(), now)
    assert (found.holder_changed, found.recommendation) == (True, Recommendation.REVIEW)


def test_the_date_of_a_directory_that_fell_silent_still_says_who_holds_the_domain() -> None:
    silent = (caught(100, ago=31), fastly("active"))
    assert judge(*silent).holder_change is HolderChange.DROPPED_AND_CAUGHT
    safe = judge(*silent, addresses=(AddressFacts("1", NOW - 50 * DAY),))
    assert (safe.holder_change, safe.addresses[0].at_risk) == (HolderChange.NONE, False)


@pytest.mark.parametrize("phase", [Phase.REDEMPTION, Phase.PENDING_DELETE])
def test_the_date_from_before_a_lapse_says_nothing_of_who_holds_the_domain_after_it(phase: Phase) -> None:
    found = judge(rdap(phase, ago=2), fastly("active"))
    assert (found.phase, found.registered_at) == (Phase.ACTIVE, None)
    assert found.holder_change is not HolderChange.NONE
    assert found.addresses[0].at_risk is not False


def test_what_a_directory_without_dates_belied_at_the_time_is_no_drop_later() -> None:
    glitch = fastly("inactive", ago=10)
    steady = rdap(Phase.ACTIVE, stood=100, registered=None)
    assert judge(glitch, fastly("active"), steady).holder_change is HolderChange.UNKNOWN
    late = rdap(Phase.ACTIVE, stood=5, registered=None)
    assert judge(glitch, fastly("active"), late).holder_change is HolderChange.DROPPED_AND_CAUGHT


def test_uks_pending_delete_undone_by_its_holder_is_no_drop() -> None:
    readings = (fastly("deleting", ago=10), fastly("active"))
    assert judge(*readings, domain="a.com").holder_change is HolderChange.DROPPED_AND_CAUGHT
    uk = [
        Reading(dataclasses.replace(r.evidence, domain="a.co.uk"), r.first_seen_at, r.last_seen_at) for r in readings
    ]
    assert judge(*uk, domain="a.co.uk").holder_change is HolderChange.UNKNOWN


def test_a_sale_out_of_redemption_without_an_expiry_date_stays_one() -> None:
    sold = (
        rdap(Phase.REDEMPTION, ago=20, registrar="Honest Names"),
        rdap(Phase.ACTIVE, stood=10, registrar="Quick Auctions"),
    )
    for previous in (Phase.REDEMPTION, Phase.ACTIVE):
        assert judge(*sold, history=History(previous_phase=previous)).holder_change is HolderChange.SOLD
