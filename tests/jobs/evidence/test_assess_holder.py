"""Who holds the name: dropped and caught, lost before, verified again, unproven."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.evidence.assess import assess_document
from jobs.evidence.document import read_document
from tests.jobs.evidence.stories import Replies, days, sold_by_registrar
from tests.support.replies import (
    address,
    assessed,
    at,
    dns,
    fastly,
    nxdomain,
    rdap,
    rdap_404,
    registered_whois,
    reply,
)


class TestTheHolder:
    def test_the_ctx_story(self) -> None:
        ctx = {
            "domain": "figlief.com",
            "now": "2022-05-14T18:50:00Z",
            "addresses": [
                {
                    "address_id": 1,
                    "verified_at": "2014-12-19T00:00:00Z",
                    "packages": [{"last_release_at": "2014-12-19T00:00:00Z"}],
                }
            ],
            "replies": [
                rdap(domain="figlief.com", registered="2022-05-14T18:40:05Z", expires=None)
                | {"observed_at": "2022-05-14T18:45:00Z"},
                dns() | {"observed_at": "2022-05-14T18:45:00Z"},
            ],
        }
        before = assess_document(read_document(json.dumps(ctx)))
        assert (before["holder_changed"], before["recommendation"]) == (True, "review")
        assert before["addresses"][0]["at_risk"] is True
        assert not any("take-over" in reason for reason in before["reasons"])
        # The password was reset, the address verified again, and 38 minutes after the catch the release came.
        ctx["now"] = "2022-05-14T19:20:00Z"
        ctx["addresses"] = [
            {
                "address_id": 1,
                "verified_at": "2022-05-14T18:52:40Z",
                "first_verified_at": "2014-12-19T00:00:00Z",
                "packages": [{"last_release_at": "2022-05-14T19:18:36Z"}],
            }
        ]
        after = assess_document(read_document(json.dumps(ctx)))
        assert (after["holder_changed"], after["recommendation"]) == (True, "review")
        assert after["addresses"][0]["at_risk"] is True
        assert "re-verified under the new holder" in after["addresses"][0]["why"]
        assert any("take-over" in reason for reason in after["reasons"])

    def test_a_loss_seen_before_the_catch_is_no_conflict(self) -> None:
        caught = rdap(ago=0, registered=0.2)
        found = assessed(rdap_404(ago=0.5), fastly("undelegated inactive", ago=0.5), nxdomain(ago=0.5), caught, dns())
        assert (found["phase"], found["confidence"]) == ("active", "corroborated")
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    @pytest.mark.parametrize(
        ("verified", "registered", "changed"),
        [(400, 3000, False), (400, 399, False), (400, 398.9, True), (400, 100, True), (10, 3000, False)],
    )
    def test_the_creation_date_tells_with_a_days_slack(
        self, verified: float, registered: float, *, changed: bool
    ) -> None:
        found = assessed(rdap(registered=registered), addresses=[address(verified)])
        assert found["holder_changed"] is changed
        assert found["addresses"][0]["at_risk"] is changed
        assert found["recommendation"] == ("review" if changed else "none")

    def test_lost_years_before_monitoring_began(self) -> None:
        found = assessed(rdap(registered=2000), fastly("active"), dns(), addresses=[address(2500), address(1500)])
        assert [item["at_risk"] for item in found["addresses"]] == [True, False]
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_every_address_younger_than_the_registration_is_safe(self) -> None:
        found = assessed(rdap(registered=500), addresses=[address(100), address(499)])
        assert [item["at_risk"] for item in found["addresses"]] == [False, False]
        assert (found["holder_changed"], found["recommendation"]) == (False, "none")

    def test_a_change_that_history_shows_counts_even_where_it_concerns_no_address(self) -> None:
        found = assessed(rdap(ago=200, registered=3000), rdap(registered=100), addresses=[address(50)])
        assert found["holder_changed"] is True
        assert found["addresses"][0]["at_risk"] is False

    def test_without_addresses_history_decides(self) -> None:
        assert assessed(rdap(ago=200), rdap(registered=100), addresses=[])["holder_changed"] is True
        assert assessed(rdap(ago=200), rdap(), addresses=[])["holder_changed"] is False

    @pytest.mark.parametrize(
        "before",
        [rdap_404(ago=60), fastly("inactive", ago=60), rdap("pending delete", ago=60, registered=2900)],
    )
    def test_nobody_held_it_and_somebody_holds_it_again(self, before: dict[str, Any]) -> None:
        found = assessed(before, rdap(registered=50), addresses=[address(400)])
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_somebody_held_it_before_the_present_registration_began(self) -> None:
        found = assessed(fastly("active", ago=300), rdap(registered=100), addresses=[address(50)])
        assert found["holder_changed"] is True

    def test_an_owner_who_catches_their_own_name_cannot_be_told_from_a_stranger(self) -> None:
        gone = (rdap(ago=90), rdap_404(ago=40))
        back = rdap(registered=30, registrar="First Registrar, Inc.")
        found = assessed(*gone, back)
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_an_old_creation_date_belies_a_404(self) -> None:
        found = assessed(rdap_404(ago=10), fastly("inactive", ago=10), rdap(registered=3000), dns())
        assert (found["holder_changed"], found["recommendation"]) == (False, "none")

    def test_another_handle_is_another_registration(self) -> None:
        found = assessed(rdap(ago=40, handle="D1-COM", registered=None), rdap(handle="D2-COM", registered=None))
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_directories_that_disagree_on_the_date_are_reviewed(self) -> None:
        found = assessed(rdap(registered=100), registered_whois(created=3000), addresses=[address(400)])
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")
        assert any("disagree" in reason for reason in found["reasons"])

    def test_a_reregistration_event_is_the_later_date(self) -> None:
        body = {
            "ldhName": "example.com",
            "status": ["active"],
            "events": [
                {"eventAction": "registration", "eventDate": at(3000)},
                {"eventAction": "reregistration", "eventDate": at(100)},
            ],
        }
        assert assessed(reply("rdap", 0, body))["holder_changed"] is True

    def test_a_lost_name_that_had_changed_hands_after_the_verification_is_left_to_a_person(self) -> None:
        found = assessed(
            rdap(ago=60, registered=100), rdap_404(ago=2), rdap_404(), nxdomain(), addresses=[address(400)]
        )
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == ("available", True, "review")
        dropping = rdap("pending delete", registered=100, ns=())
        found = assessed(dropping, nxdomain(), addresses=[address(400)])
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == (
            "pending_delete",
            True,
            "review",
        )

    def test_nobodys_name_puts_every_address_at_risk_without_a_change_of_holder(self) -> None:
        found = assessed(rdap(ago=60), rdap_404(), nxdomain())
        assert (found["holder_changed"], found["recommendation"]) == (False, "unverify")
        assert found["addresses"][0]["at_risk"] is True


class TestWithoutDates:
    """.de, .ch and others give no creation date."""

    def test_no_date_and_no_history_is_unknowable_and_flags_nothing(self) -> None:
        found = assessed(rdap(domain="example.de", registered=None, expires=None), dns(), domain="example.de")
        assert (found["holder_changed"], found["recommendation"]) == (None, "none")
        assert found["addresses"][0]["at_risk"] is None

    def test_a_404_before_shows_the_change(self) -> None:
        found = assessed(
            rdap_404(ago=20), rdap(domain="example.de", registered=None, expires=None), domain="example.de"
        )
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")
        assert found["addresses"][0]["at_risk"] is True

    def test_redemption_of_de_lasts_thirty_days(self) -> None:
        redeemable = rdap("redemption period", domain="example.de", registered=None, expires=None, ns=())
        found = assessed(redeemable | {"observed_at": at(4)}, redeemable, nxdomain(), domain="example.de")
        assert (found["phase"], found["recommendation"]) == ("redemption", "review")
        assert days(found, "drop") == 26

    def test_two_kinds_suffice_without_any_date(self) -> None:
        lost = (rdap_404(), nxdomain())
        assert assessed(*lost, domain="example.de")["recommendation"] == "unverify"


class TestMissingVerificationDates:
    def test_an_account_younger_than_the_registration_is_not_at_risk(self) -> None:
        found = assessed(rdap(registered=500), addresses=[address(None, account=100)])
        assert found["addresses"][0]["at_risk"] is False
        assert (found["holder_changed"], found["recommendation"]) == (False, "none")

    @pytest.mark.parametrize("account", [None, 900])
    def test_else_it_is_unproven_and_reviewed(self, account: float | None) -> None:
        found = assessed(rdap(registered=500), addresses=[address(None, account=account)])
        assert found["addresses"][0]["at_risk"] is None
        assert "unproven" in found["addresses"][0]["why"]
        assert (found["holder_changed"], found["recommendation"]) == (None, "review")

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap("pending delete", registered=500, ns=()), nxdomain()),
            (rdap("pending delete", ago=3, registered=500, ns=()), rdap("pending delete", registered=500, ns=())),
            (fastly("undelegated active deleting", ago=2), fastly("undelegated active deleting"), nxdomain()),
        ],
    )
    def test_unproven_is_never_unverified(self, replies: Replies) -> None:
        found = assessed(*replies, addresses=[address(None, account=900)])
        assert (found["phase"], found["recommendation"]) == ("pending_delete", "review")
        assert found["addresses"][0]["at_risk"] is None
        assert "unproven" in found["addresses"][0]["why"]

    def test_a_proven_address_beside_an_unproven_one(self) -> None:
        found = assessed(rdap(registered=500), addresses=[address(400), address(None), address(600)])
        assert [item["at_risk"] for item in found["addresses"]] == [False, None, True]
        assert found["holder_changed"] is True

    def test_a_name_that_nobody_holds_needs_no_verification_date(self) -> None:
        found = assessed(fastly("undelegated inactive"), nxdomain(), addresses=[address(None, account=900)])
        assert (found["recommendation"], found["holder_changed"]) == ("unverify", False)


class TestReVerification:
    def test_under_a_new_holder_it_clears_nothing(self) -> None:
        found = assessed(rdap(registered=100), addresses=[address(50, first=400)])
        assert found["addresses"][0]["at_risk"] is True
        assert "re-verified under the new holder" in found["addresses"][0]["why"]
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_under_the_same_holder_it_means_nothing(self) -> None:
        found = assessed(rdap(registered=3000), addresses=[address(50, first=400)])
        assert (found["addresses"][0]["at_risk"], found["recommendation"]) == (False, "none")

    def test_after_a_sale_it_clears_nothing_either(self) -> None:
        found = assessed(*sold_by_registrar(), addresses=[address(2, first=400)])
        assert found["addresses"][0]["at_risk"] is True
        assert "re-verified under the new holder" in found["addresses"][0]["why"]
