"""Sold before the drop, as raw replies show it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jobs.evidence.stories import PARKED, sold_by_registrar
from tests.support.replies import address, assessed, dns, fastly, nxdomain, rdap


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
