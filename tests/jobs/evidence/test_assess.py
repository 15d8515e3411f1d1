"""Stories as an outsider would tell them: raw replies in, the answer that the rules demand out."""

from __future__ import annotations

import itertools
import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.evidence.assess import assess_document
from jobs.evidence.document import read_document
from tests.support.replies import (
    DAY,
    NOW,
    address,
    assessed,
    at,
    dns,
    document,
    domainr,
    fastly,
    free_whois,
    nxdomain,
    rdap,
    rdap_404,
    registered_whois,
    reply,
    whois,
)

Replies = tuple[dict[str, Any], ...]

VERISIGN = "https://rdap.verisign.com/com/v1/domain/example.com"
ELSEWHERE = "https://rdap.some-registrar.net/domain/example.com"
THROTTLED = "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\r\n"
PARKED = ("ns1.renewyourdomain.net", "ns2.renewyourdomain.net")


def days(found: dict[str, Any], what: str) -> float | None:
    """Days from NOW to a predicted date, which always has a basis."""
    predicted = found["predicted"][what]
    if predicted is None:
        return None
    assert predicted["basis"]
    return (datetime.fromisoformat(predicted["date"]) - NOW) / DAY


def due_in(found: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(found["next_check_at"]) - NOW


class TestTheOutput:
    def test_it_has_the_keys_that_were_promised(self) -> None:
        found = assessed(rdap())
        promised = {
            "phase",
            "confidence",
            "holder_changed",
            "reasons",
            "recommendation",
            "predicted",
            "next_check_at",
        }
        assert promised | {"addresses"} <= set(found)
        assert set(found["predicted"]) == {"redemption", "pending_delete", "drop"}
        assert [set(item) for item in found["addresses"]] == [{"address_id", "at_risk", "why"}]

    def test_ids_come_back_as_they_were_written_and_in_order(self) -> None:
        addresses = [address(ident=7), address(ident="b3f0-1"), address(ident=7)]
        assert [item["address_id"] for item in assessed(rdap(), addresses=addresses)["addresses"]] == [7, "b3f0-1", 7]

    def test_every_answer_gives_reasons(self) -> None:
        for replies in ((), (rdap(),), (fastly("unknown"),), (rdap_404(), dns())):
            assert assessed(*replies)["reasons"]

    def test_reasons_name_the_provider_and_its_value(self) -> None:
        reasons = " ".join(assessed(fastly("undelegated inactive"), nxdomain())["reasons"])
        assert "Fastly" in reasons
        assert "undelegated" in reasons
        assert "NXDOMAIN" in reasons


class TestUnverify:
    """Two kinds of evidence, or one of the first two kinds twice at least 24 h apart, agree that it is lost."""

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap_404(), nxdomain()),
            (rdap_404(), fastly("undelegated inactive")),
            (fastly("undelegated inactive"), nxdomain()),
            (fastly("inactive"), nxdomain()),
            (domainr("undelegated inactive"), nxdomain()),
            (free_whois(), nxdomain()),
            (free_whois(), fastly("inactive")),
            (rdap("pending delete", ns=()), nxdomain()),
            (rdap("pending delete", ns=()), fastly("undelegated active deleting")),
            (fastly("marketed priced deleting"), nxdomain()),
            (fastly("undelegated inactive premium"), nxdomain()),
            (rdap_404(ago=1), rdap_404()),
            (fastly("inactive", ago=1), fastly("inactive")),
            (fastly("inactive", ago=2), domainr("inactive")),  # one kind, two days apart
            (rdap_404(ago=2), free_whois()),
            (rdap("pending delete", ago=2, ns=()), rdap_404()),  # the two phases say the same
            (rdap_404(ago=20), fastly("inactive")),  # both are current
            (fastly("inactive"), fastly("undelegated inactive", scope="estimate")),  # precise, and delegation
            (rdap_404(), nxdomain(), fastly("unknown")),  # silence contradicts nobody
            (rdap_404(), nxdomain(), reply("fastly", 0, "slow down", 429)),
            (rdap(ago=40), rdap_404(ago=2), rdap_404()),  # forty days ago it was registered: history
            (rdap_404(url=VERISIGN), nxdomain()),
            (rdap_404(url=VERISIGN.replace("example", "EXAMPLE")), nxdomain()),
            (rdap_404(url="https://rdap.verisign.com/"), nxdomain()),
        ],
    )
    def test_it_is_recommended_when_the_rule_holds(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert found["recommendation"] == "unverify"
        assert found["confidence"] == "corroborated"
        assert found["phase"] in {"pending_delete", "available"}
        assert found["holder_changed"] is not True

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap_404(),),
            (fastly("undelegated inactive"),),
            (free_whois(),),
            (rdap("pending delete", ns=()),),
            (rdap_404(ago=0.9), rdap_404()),  # twice, but not 24 hours apart
            (rdap_404(), free_whois()),  # RDAP and WHOIS are one kind
            (fastly("inactive"), domainr("undelegated inactive")),  # and so are Fastly and Domainr
            (rdap_404(ago=31), rdap_404()),  # the first is history
            (fastly("inactive", ago=2), fastly("active", ago=1), fastly("inactive")),  # it flaps
        ],
    )
    def test_a_single_reading_is_reviewed(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["recommendation"], found["confidence"]) == ("review", "single")

    @pytest.mark.parametrize(
        "replies",
        [
            (),
            (nxdomain(),),
            (nxdomain(ago=3), nxdomain()),
            (fastly("unknown"),),
            (fastly("unknown", ago=3), fastly("unknown"), nxdomain()),
            (fastly("undelegated"), nxdomain()),
            (fastly("undelegated inactive", scope="estimate"), nxdomain()),  # an estimate is delegation
            (fastly("undelegated inactive", ago=3, scope="estimate"), fastly("inactive", scope="estimate")),
            (rdap_404(ago=31), nxdomain(ago=31)),  # all of it history
            (reply("rdap", 0, None, None), nxdomain()),  # a time-out
            (reply("rdap", 0, "", None), nxdomain()),
            (reply("rdap", 1, "x", 500), reply("rdap", 0, "x", 503), nxdomain()),
            (reply("fastly", 0, "rate limited", 429), nxdomain()),
            (whois(THROTTLED), nxdomain()),
            (whois(""), nxdomain()),
            (whois(None), nxdomain()),
            (dns("SERVFAIL"),),
            (dns("TIMEOUT"), dns("REFUSED")),
            (reply("fastly", 0, {"errors": [{"code": 404, "message": "Domain not found"}]}), nxdomain()),
            (reply("rdap", 0, "<html>404</html>", 404), nxdomain()),
            (rdap_404(url=ELSEWHERE), nxdomain()),  # not the registry's server
            (rdap_404(ago=2, url=ELSEWHERE), rdap_404(url=ELSEWHERE)),
            (rdap_404(url=VERISIGN.replace("example", "mail.example")), nxdomain()),  # a host: nobody registers one
            (rdap_404(url=VERISIGN.replace("example", "other")), nxdomain()),
        ],
    )
    def test_no_answer_is_never_more_than_watched(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["phase"], found["confidence"]) == ("unknown", "insufficient")
        assert found["recommendation"] in {"none", "watch"}

    @pytest.mark.parametrize(
        "statuses",
        [
            "unknown",
            "undelegated",
            "undelegated active",
            "inactive active",
            "undelegated reserved",
            "undelegated claimed",
            "marketed priced undelegated active",
        ],
    )
    def test_status_sets_of_a_first_run_that_prove_nothing(self, statuses: str) -> None:
        for witnesses in ((), (nxdomain(),), (fastly(statuses, ago=2), nxdomain()), (domainr(statuses, ago=3),)):
            assert assessed(fastly(statuses), *witnesses)["recommendation"] != "unverify"

    @pytest.mark.parametrize("statuses", ["undelegated active", "inactive active", "undelegated reserved", "claimed"])
    def test_they_contradict_a_404_too(self, statuses: str) -> None:
        found = assessed(fastly(statuses), rdap_404(ago=2), rdap_404(), nxdomain())
        assert (found["recommendation"], found["confidence"]) == ("review", "conflicting")

    @pytest.mark.parametrize(
        "replies",
        [
            (rdap(), fastly("undelegated inactive"), nxdomain()),
            (rdap_404(), fastly("active")),
            (rdap_404(), nxdomain(), registered_whois()),
            (rdap_404(ago=2), rdap_404(), dns()),  # still delegated
            (fastly("inactive"), domainr("active"), nxdomain()),
        ],
    )
    def test_a_conflict_is_reviewed_with_both_sides_shown(self, replies: Replies) -> None:
        found = assessed(*replies)
        assert (found["recommendation"], found["confidence"]) == ("review", "conflicting")
        sides = next(reason for reason in found["reasons"] if "conflict" in reason)
        assert ", but " in sides

    def test_an_error_takes_nothing_back(self) -> None:
        lost = (rdap_404(ago=1), nxdomain(ago=1))
        broken = (
            reply("rdap", 0, "oops", 502),
            dns("SERVFAIL"),
            reply("fastly", 0, None, None),
            whois("quota exceeded"),
        )
        assert assessed(*lost, *broken)["recommendation"] == "unverify"

    def test_the_newest_reading_of_a_provider_supersedes_its_older_ones(self) -> None:
        found = assessed(rdap_404(ago=5), rdap_404(ago=3), rdap())
        assert (found["phase"], found["recommendation"]) == ("active", "none")


class TestPhases:
    @pytest.mark.parametrize(
        ("replies", "phase", "advice"),
        [
            ((rdap(), fastly("active"), dns()), "active", "none"),
            ((rdap("redemption period", ns=()), nxdomain()), "redemption", "review"),
            (
                (rdap("redemption period", "pending delete", ago=3), rdap("redemption period", "pending delete")),
                "redemption",
                "review",
            ),
            ((rdap("pending restore", "pending delete"),), "pending_restore", "review"),
            ((fastly("undelegated active expiring"), nxdomain()), "redemption", "review"),
            ((rdap("redemption period"), fastly("deleting")), "redemption", "review"),  # neighbours: the milder one
            ((rdap("client hold"), nxdomain()), "hold", "watch"),
            ((rdap("server hold", ago=9), rdap("server hold"), nxdomain()), "hold", "watch"),
            ((fastly("undelegated active"),), "hold", "watch"),
            ((rdap("auto renew period", expires=-360, registrar_expires=5),), "auto_renew_grace", "watch"),
            ((rdap("auto renew period", expires=-360),), "active", "none"),  # healthy names carry it for 45 days
            ((rdap("auto renew period", expires=-360, registrar_expires=-360),), "active", "none"),
            ((rdap("active", expires=-360, registrar_expires=5),), "auto_renew_grace", "watch"),
            ((fastly("undelegated reserved"),), "reserved", "watch"),
            ((rdap(), nxdomain()), "active", "watch"),
            ((rdap(), dns("SERVFAIL")), "active", "none"),
        ],
    )
    def test_a_phase_has_its_advice(self, replies: Replies, phase: str, advice: str) -> None:
        found = assessed(*replies)
        assert (found["phase"], found["recommendation"]) == (phase, advice)

    def test_a_registry_date_in_the_future_does_not_prove_renewal(self) -> None:
        found = assessed(rdap("auto renew period", expires=-355, registrar_expires=10))
        assert found["phase"] == "auto_renew_grace"
        assert any("not renewed" in reason for reason in found["reasons"])

    def test_the_registrars_server_adds_its_date_and_nothing_else(self) -> None:
        registry = rdap("auto renew period", expires=-355, url=VERISIGN)
        registrar = rdap("active", expires=-355, registrar_expires=10, url=ELSEWHERE)
        assert assessed(registry, registrar)["phase"] == "auto_renew_grace"
        assert assessed(registrar)["phase"] == "unknown"
        lost = assessed(rdap_404(url=VERISIGN), nxdomain(), registrar)  # a registrar serves names it has lost
        assert (lost["phase"], lost["recommendation"]) == ("available", "unverify")


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


def sold_by_registrar() -> Replies:
    """Expired sixty days ago, auctioned, handed over to another registrar; the creation date stays."""
    return (
        rdap(ago=90, expires=60, changed=500),
        rdap("auto renew period", ago=50, expires=-305, registrar_expires=60, changed=60, ns=PARKED),
        rdap(
            ago=5,
            expires=-305,
            registrar_expires=-305,
            changed=17,
            transferred=17,
            registrar="Second Registrar",
            ns=("ns1.new.org",),
        ),
    )


class TestSoldBeforeTheDrop:
    def test_another_registrar_after_expiry(self) -> None:
        found = assessed(*sold_by_registrar())
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == ("active", True, "review")
        assert found["addresses"][0]["at_risk"] is True
        assert any("registrar" in reason for reason in found["reasons"])

    def test_addresses_verified_after_the_sale_are_the_new_holders(self) -> None:
        found = assessed(*sold_by_registrar(), addresses=[address(2)])
        assert found["addresses"][0]["at_risk"] is False
        assert found["holder_changed"] is True

    def test_within_one_registrar_the_name_servers_tell(self) -> None:
        found = assessed(
            rdap(ago=90, expires=60),
            dns(ago=90),
            rdap("auto renew period", ago=50, expires=-305, registrar_expires=60, ns=PARKED),
            dns(ago=50, ns=PARKED, mx=()),
            rdap(ago=5, expires=-305, registrar_expires=-305, ns=("ns1.new.org",)),
            dns(ago=5, ns=("ns1.new.org",), mx=((5, "in.new.org"),)),
        )
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_an_owner_who_renews_late_gets_everything_back(self) -> None:
        found = assessed(
            rdap(ago=90, expires=60),
            dns(ago=90, ds=True),
            rdap("auto renew period", ago=50, expires=-305, registrar_expires=60, ns=PARKED),
            dns(ago=50, ns=PARKED, mx=()),
            fastly("marketed priced active", ago=50),
            rdap(ago=5, expires=-305, registrar_expires=-305, changed=30),
            dns(ago=5, ds=True),
            fastly("active", ago=5),
        )
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == ("active", False, "none")

    def test_an_owner_who_restores_from_redemption_keeps_it(self) -> None:
        found = assessed(rdap(ago=60), rdap("redemption period", ago=30, ns=()), nxdomain(ago=30), rdap(), dns())
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == ("active", False, "none")

    def test_name_servers_and_mail_replaced_after_expiry(self) -> None:
        found = assessed(
            rdap(ago=90, expires=60),
            dns(ago=90),
            rdap("auto renew period", ago=50, expires=-305, registrar_expires=60),
            rdap(ago=5, expires=-305, registrar_expires=-305, ns=("ns1.new.org",)),
            dns(ago=5, ns=("ns1.new.org",), mx=((5, "in.new.org"),)),
        )
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    def test_ds_removed_and_offered_for_sale_after_expiry(self) -> None:
        found = assessed(
            dns(ago=90, ds=True),
            rdap("auto renew period", ago=50, expires=-305, registrar_expires=60),
            fastly("marketed priced active", ago=40),
            rdap(ago=5, expires=-305, registrar_expires=-305),
            dns(ago=5),
        )
        assert found["holder_changed"] is True

    def test_a_transfer_dated_after_the_registrars_expiry(self) -> None:
        found = assessed(rdap("auto renew period", expires=-330, registrar_expires=35, transferred=5))
        assert (found["holder_changed"], found["recommendation"]) == (True, "review")

    @pytest.mark.parametrize(
        "after",
        [
            rdap(registrar="Second Registrar", expires=-565, transferred=20),  # long before expiry
            rdap(ns=("ns1.new.org",)),  # an owner moves the DNS
            rdap(changed=3),
        ],
    )
    def test_what_owners_do_in_their_time_is_no_sale(self, after: dict[str, Any]) -> None:
        found = assessed(rdap(ago=40), dns(ago=40), after, dns(ns=("ns1.new.org",), mx=((1, "mx.other.net"),)))
        assert (found["holder_changed"], found["recommendation"]) == (False, "none")

    def test_a_transfer_just_before_expiry_is_no_sale(self) -> None:
        found = assessed(rdap(ago=40, expires=10), rdap(registrar="Second Registrar", expires=-355, transferred=15))
        assert found["holder_changed"] is False

    def test_a_name_parked_at_expiry_is_not_sold_yet(self) -> None:
        found = assessed(
            rdap(ago=60, expires=20),
            rdap("auto renew period", expires=-345, registrar_expires=20, changed=15, ns=PARKED),
            dns(ns=PARKED, mx=()),
        )
        assert (found["phase"], found["holder_changed"], found["recommendation"]) == (
            "auto_renew_grace",
            False,
            "watch",
        )


class TestPredictions:
    def test_of_a_generic_name(self) -> None:
        grace = assessed(rdap("auto renew period", expires=-355, registrar_expires=10))
        assert [days(grace, what) for what in ("redemption", "pending_delete", "drop")] == [35, 65, 70]
        redemption = assessed(rdap("redemption period", changed=10, ns=()))
        assert [days(redemption, what) for what in ("redemption", "pending_delete", "drop")] == [None, 20, 25]
        dropping = assessed(rdap("pending delete", ago=2, ns=()), rdap("pending delete", ns=()))
        assert [days(dropping, what) for what in ("redemption", "pending_delete", "drop")] == [None, None, 3]

    def test_of_a_healthy_name_there_is_nothing_to_say(self) -> None:
        assert assessed(rdap())["predicted"] == {"redemption": None, "pending_delete": None, "drop": None}

    @pytest.mark.parametrize(
        ("expired", "phase", "left"), [(10, "auto_renew_grace", 85), (31, "redemption", 64), (89, "redemption", 6)]
    )
    def test_of_uk(self, expired: float, phase: str, left: float) -> None:
        status = "active" if expired < 30 else "pending delete"
        found = assessed(rdap(status, domain="example.co.uk", expires=expired, ns=()), domain="example.co.uk")
        assert found["phase"] == phase
        assert days(found, "drop") == left
        assert found["recommendation"] == ("watch" if expired < 30 else "review")

    def test_of_nl(self) -> None:
        found = assessed(
            rdap("redemption period", domain="example.nl", expires=None, changed=12, ns=()), domain="example.nl"
        )
        assert days(found, "drop") == 28

    def test_of_ru_by_paid_till(self) -> None:
        text = (
            f"domain:        EXAMPLE.RU\nnserver:       ns1.hosting.ru.\nstate:         REGISTERED, NOT DELEGATED, VERIFIED\n"
            f"registrar:     RU-CENTER-RU\ncreated:       2015-03-01T10:00:00Z\npaid-till:     {at(10)}\nsource:        TCI\n"
        )
        found = assessed(whois(text), domain="example.ru")
        assert days(found, "drop") == 20
        assert found["recommendation"] in {"watch", "none"}

    def test_the_registrys_own_free_date_beats_the_rule(self) -> None:
        text = (
            "domain:        EXAMPLE.RU\r\nnserver:       ns1.hosting.ru.\r\nstate:         REGISTERED, DELEGATED\r\n"
            f"registrar:     FIRST-RU\r\ncreated:       {at(900)}\r\npaid-till:     {at(5)}\r\n"
            f"free-date:     {at(-28)[:10]}\r\nsource:        TCI\r\n"
        )
        found = assessed(whois(text), domain="example.ru")
        assert found["phase"] == "auto_renew_grace"
        assert days(found, "drop") == 27.5
        assert "WHOIS names" in found["predicted"]["drop"]["basis"]
        healthy = text.replace(f"paid-till:     {at(5)}", f"paid-till:     {at(-100)}")
        assert days(assessed(whois(healthy), domain="example.ru"), "drop") is None


class TestUk:
    @pytest.mark.parametrize(
        ("expired", "phase", "advice"),
        [(31, "redemption", "review"), (89, "redemption", "review"), (91, "pending_delete", "unverify")],
    )
    def test_its_pending_delete_can_be_renewed_until_day_90(self, expired: float, phase: str, advice: str) -> None:
        seen = (rdap("pending delete", ago=ago, domain="example.uk", expires=expired, ns=()) for ago in (0, 0.5))
        found = assessed(*seen, nxdomain(), fastly("deleting", domain="example.uk"), domain="example.uk")
        assert (found["phase"], found["recommendation"]) == (phase, advice)

    def test_a_status_apis_deleting_alone_may_still_be_renewable(self) -> None:
        deleting = fastly("deleting", domain="example.uk")
        found = assessed(deleting | {"observed_at": at(3)}, deleting, nxdomain(), domain="example.uk")
        assert (found["phase"], found["recommendation"]) == ("redemption", "review")


class TestHosts:
    @pytest.mark.parametrize("host", ["mail.example.com", "EXAMPLE.com.", "a.b.c.example.com"])
    def test_a_host_is_reduced_first(self, host: str) -> None:
        found = assessed(rdap_404(), nxdomain(), domain=host)
        assert (found["domain"], found["recommendation"]) == ("example.com", "unverify")

    def test_a_second_level_suffix(self) -> None:
        assert assessed(rdap(domain="example.co.uk"), domain="mail.example.co.uk")["phase"] == "active"

    def test_a_u_label(self) -> None:
        assert assessed(rdap(domain="xn--bcher-kva.de"), domain="mail.Bücher.de")["domain"] == "xn--bcher-kva.de"

    def test_under_a_private_suffix_the_registry_of_the_top_level_knows_nothing(self) -> None:
        nothing = rdap_404(url="https://rdap.verisign.com/com/v1/domain/victim.uk.com")
        found = assessed(nothing, nxdomain(), domain="mail.victim.uk.com")
        assert (found["domain"], found["recommendation"]) == ("victim.uk.com", "watch")

    def test_a_reply_about_another_domain_is_an_error(self) -> None:
        found = assessed(
            fastly("inactive", domain="other.com"), rdap("pending delete", domain="other.com"), nxdomain()
        )
        assert (found["phase"], found["recommendation"]) == ("unknown", "watch")


class TestTheNextCheck:
    def test_a_healthy_name_is_due_thirty_days_after_its_check(self) -> None:
        assert due_in(assessed(rdap())) == 30 * DAY
        assert due_in(assessed(rdap(ago=10))) == 20 * DAY

    def test_never_before_now(self) -> None:
        assert due_in(assessed(rdap(ago=29, expires=-400), rdap(ago=35))) == DAY
        assert due_in(assessed(rdap(ago=60))) == timedelta(0)

    @pytest.mark.parametrize(
        "replies", [(rdap("redemption period"),), (rdap("pending delete"),), (rdap_404(), nxdomain())]
    )
    def test_daily_from_redemption(self, replies: Replies) -> None:
        assert timedelta(0) < due_in(assessed(*replies)) <= DAY

    def test_at_once_when_dns_has_lost_the_name(self) -> None:
        assert due_in(assessed(rdap(ago=3), dns(ago=3), nxdomain())) == timedelta(0)
        assert due_in(assessed(rdap(ago=3), dns(ago=3), dns(ns=("ns1.new.org",)))) == timedelta(0)
        assert due_in(assessed(rdap(ago=3), dns(ago=3), dns())) == 27 * DAY

    def test_failures_are_tried_again_within_a_day(self) -> None:
        failing = [reply("rdap", ago, "", 503) for ago in (0.2, 0.1, 0)]
        assert timedelta(minutes=15) <= due_in(assessed(rdap(ago=2), *failing)) <= timedelta(hours=24)
        assert due_in(assessed()) == timedelta(0)


HOSTILE = [
    "\x00" * 2000,
    "<script>alert(1)</script>",
    "{" * 5000,
    "[" * 5000,
    "1e999",
    '{"domain": "example.com", "status": 5}',
    '{"status": [null]}',
    '{"ldhName": "example.com", "events": [{"eventAction": [], "eventDate": {}}], "status": {"a": 1}}',
    '{"ldhName": "example.com", "events": [{"eventAction": "registration", "eventDate": "0001-01-01T00:00:00-14:00"}]}',
    '{"delegation": {"rcode": ["NXDOMAIN"], "ns": 7}, "mx": [[1]], "ds": "yes"}',
    '{"delegation": {"rcode": "NXDOMAIN", "ns": ["ns1.hosting.net"]}}',
    '{"delegation": null}',
    "\ud800 lone surrogate",
    "Domain Name: EXAMPLE.COM\n" + "x: " * 30000,
    "No match for example.com\nlimit exceeded, try again later",
]


class TestHostileInput:
    @pytest.mark.parametrize("body", HOSTILE)
    @pytest.mark.parametrize("provider", ["fastly", "domainr", "rdap", "whois", "dns"])
    def test_a_hostile_body_is_an_error_and_never_a_lapse(self, provider: str, body: str) -> None:
        status = None if provider in {"whois", "dns"} else 200
        found = assessed(reply(provider, 0, body, status), nxdomain(ago=0.5))
        assert found["recommendation"] in {"none", "watch"}
        assert json.dumps(found)

    def test_texts_in_reasons_are_bounded_and_printable(self) -> None:
        found = assessed(rdap("\u202eactive" + "x" * 5000, registrar="<b>\n" + "y" * 9000))
        assert all(len(reason) < 400 and reason.isprintable() for reason in found["reasons"])

    def test_what_is_dated_after_now_is_not_weighed(self) -> None:
        found = assessed(rdap(), rdap_404(ago=-2), nxdomain(ago=-2))
        assert (found["phase"], found["recommendation"]) == ("active", "none")
        assert any("dated after" in reason for reason in found["reasons"])

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(["fastly", "domainr", "rdap", "whois", "dns"]),
        st.none()
        | st.text(max_size=200)
        | st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
        st.sampled_from([None, 0, 100, 200, 301, 400, 404, 429, 500, 99999]),
    )
    def test_any_bytes_end_in_an_answer(self, provider: str, body: str | None, status: int | None) -> None:
        found = assessed(reply(provider, 0, body, status))
        assert found["recommendation"] in {"none", "watch", "review"}


def test_the_order_of_replies_and_addresses_means_nothing() -> None:
    replies = [
        *sold_by_registrar(),
        rdap_404(ago=20),
        fastly("unknown"),
        fastly("inactive", ago=3),
        dns(),
        nxdomain(ago=3),
    ]
    addresses = [address(400, ident=1), address(None, ident=2), address(3, first=90, ident=3)]
    expected = assessed(*replies, addresses=addresses)
    for seed in range(20):
        shuffled = random.Random(seed).sample(replies, len(replies))
        assert assessed(*shuffled, addresses=addresses) == expected


POOL = (
    *(
        rdap(),
        rdap(registered=100),
        rdap_404(),
        rdap_404(ago=2),
        rdap("pending delete"),
        rdap("redemption period", ago=1),
    ),
    *(fastly("inactive"), fastly("unknown"), fastly("active", ago=1), domainr("deleting", ago=2), free_whois(ago=3)),
    *(nxdomain(), dns(), dns("SERVFAIL"), whois(THROTTLED), fastly("inactive", ago=4, scope="estimate")),
)


@pytest.mark.parametrize("replies", list(itertools.combinations(POOL, 3)))
def test_unverify_always_rests_on_two_witnesses_and_no_change_of_holder(replies: Replies) -> None:
    found = assessed(*replies)
    if found["recommendation"] == "unverify":
        assert found["confidence"] == "corroborated"
        assert found["holder_changed"] is not True
        assert found["phase"] in {"pending_delete", "available"}
    if found["holder_changed"] or found["confidence"] == "conflicting":
        assert found["recommendation"] == "review"


def test_documents_are_independent_of_each_other() -> None:
    text = json.dumps(document(rdap_404(), nxdomain()))
    assert assess_document(read_document(text)) == assess_document(read_document(text.encode()))
