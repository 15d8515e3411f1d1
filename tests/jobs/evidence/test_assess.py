"""What an assessment of a file prints. Stories as an outsider would tell them are in the files beside."""

from __future__ import annotations

from tests.support.replies import address, assessed, dns, fastly, nxdomain, rdap, rdap_404


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
