"""Phases, predicted dates and the next check, from raw replies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.jobs.evidence.stories import ELSEWHERE, VERISIGN, Replies, days, due_in
from tests.support.replies import DAY, assessed, at, dns, fastly, nxdomain, rdap, rdap_404, reply, whois


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
