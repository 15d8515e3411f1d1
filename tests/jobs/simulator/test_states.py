from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.simulator.profiles import years_later
from jobs.simulator.specs import Breakage, DomainSpec, Profile, Story, Trouble
from jobs.simulator.states import state_at
from jobs.simulator.stories import PARKING, Stage
from tests.jobs.simulator.helpers import CATCHER, CREATED, EXPIRY, OWNER, day, make_spec

DROP = make_spec()
CATCH = make_spec(story=Story.DROP_AND_CATCH, successor=CATCHER, turn_hours=6)
RENEW = make_spec(story=Story.LAPSE_AND_RENEW, turn_hours=24 * 20)
RESTORE = make_spec(story=Story.LAPSE_AND_RENEW, turn_hours=24 * 60)
SALE = make_spec(story=Story.AUCTION_SALE, successor=CATCHER, turn_hours=24 * 43)
UK = make_spec("brelwick.co.uk")
UK_RENEW = make_spec("brelwick.co.uk", Story.LAPSE_AND_RENEW, turn_hours=24 * 60)


@pytest.mark.parametrize(
    ("spec", "at", "stage", "rcode"),
    [
        (DROP, day(-1), Stage.ACTIVE, "NOERROR"),
        (DROP, day(0), Stage.GRACE, "NOERROR"),
        (DROP, day(36.9), Stage.GRACE, "NOERROR"),
        (DROP, day(37), Stage.DARK, "NXDOMAIN"),
        (DROP, day(45), Stage.REDEMPTION, "NXDOMAIN"),
        (DROP, day(75), Stage.PENDING_DELETE, "NXDOMAIN"),
        (DROP, day(80), Stage.FREE, "NXDOMAIN"),
        (DROP, day(5000), Stage.FREE, "NXDOMAIN"),
        (CATCH, day(80), Stage.FREE, "NXDOMAIN"),
        (CATCH, day(80.25), Stage.ACTIVE, "NOERROR"),
        (RENEW, day(19), Stage.GRACE, "NOERROR"),
        (RENEW, day(20), Stage.ACTIVE, "NOERROR"),
        (RESTORE, day(59), Stage.REDEMPTION, "NXDOMAIN"),
        (RESTORE, day(60), Stage.PENDING_RESTORE, "NXDOMAIN"),
        (RESTORE, day(62), Stage.ACTIVE, "NOERROR"),
        (SALE, day(4), Stage.GRACE, "NOERROR"),
        (SALE, day(5), Stage.PARKED, "NOERROR"),
        (SALE, day(26), Stage.AUCTION, "NOERROR"),
        (SALE, day(43), Stage.ACTIVE, "NOERROR"),
        (UK, day(29), Stage.GRACE, "NOERROR"),
        (UK, day(30), Stage.REDEMPTION, "NXDOMAIN"),
        (UK, day(90), Stage.PENDING_DELETE, "NXDOMAIN"),
        (UK, day(95), Stage.FREE, "NXDOMAIN"),
        (UK_RENEW, day(60), Stage.ACTIVE, "NOERROR"),
        (make_spec("a.de"), day(0), Stage.REDEMPTION, "NXDOMAIN"),
        (make_spec("a.de"), day(30), Stage.FREE, "NXDOMAIN"),
        (make_spec("a.nl"), day(39), Stage.REDEMPTION, "NXDOMAIN"),
        (make_spec("a.nl"), day(40), Stage.FREE, "NXDOMAIN"),
        (make_spec("a.fr"), day(44), Stage.GRACE, "NOERROR"),
        (make_spec("a.fr"), day(74), Stage.REDEMPTION, "NXDOMAIN"),
        (make_spec("a.fr"), day(75), Stage.FREE, "NXDOMAIN"),
        (make_spec("a.ch"), day(39), Stage.REDEMPTION, "NXDOMAIN"),
        (make_spec("a.ch"), day(40), Stage.FREE, "NXDOMAIN"),
        (make_spec(story=Story.NEVER_REGISTERED), day(-1), Stage.FREE, "NXDOMAIN"),
        (make_spec(story=Story.STEADY), day(4000), Stage.ACTIVE, "NOERROR"),
        (DROP, CREATED - timedelta(seconds=1), Stage.FREE, "NXDOMAIN"),
    ],
)
def test_a_story_passes_through_its_stages(spec: DomainSpec, at: datetime, stage: Stage, rcode: str) -> None:
    state = state_at(spec, at)

    assert (state.stage, state.rcode) == (stage, rcode)
    assert state.registered is (stage is not Stage.FREE)


def test_after_expiry_the_registry_date_jumps_a_year_and_the_registrar_date_stays() -> None:
    before, after = state_at(DROP, day(-1)), state_at(DROP, day(1))

    assert (before.expires_at, before.registrar_expires_at) == (EXPIRY, EXPIRY)
    assert (after.expires_at, after.registrar_expires_at) == (years_later(EXPIRY, 1), EXPIRY)


def test_a_name_in_good_standing_carries_auto_renew_period_with_both_dates_equal() -> None:
    state = state_at(make_spec(story=Story.STEADY), day(10))

    assert "auto renew period" in state.statuses
    assert state.expires_at == state.registrar_expires_at == years_later(EXPIRY, 1)
    assert "auto renew period" not in state_at(make_spec(story=Story.STEADY), day(46)).statuses


def test_a_late_payment_brings_the_registrar_date_up_again() -> None:
    assert state_at(RENEW, day(19)).registrar_expires_at == EXPIRY
    assert state_at(RENEW, day(21)).registrar_expires_at == years_later(EXPIRY, 1)
    assert state_at(RENEW, day(21)).registered_at == CREATED


@pytest.mark.parametrize(
    ("name", "at", "statuses"),
    [
        ("a.com", 40, ("client transfer prohibited", "client hold", "auto renew period")),
        ("a.com", 50, ("redemption period",)),
        ("a.org", 50, ("pending delete", "redemption period")),
        ("a.com", 76, ("pending delete",)),
        ("a.co.uk", 60, ("pending delete",)),
        ("a.co.uk", 92, ("pending delete",)),
        ("a.de", 10, ("redemption period",)),
        ("a.nl", 10, ("redemption period",)),
        ("a.fr", 10, ("active",)),
    ],
)
def test_statuses_are_those_of_the_registry(name: str, at: float, statuses: tuple[str, ...]) -> None:
    assert state_at(make_spec(name), day(at)).statuses == statuses


def test_a_restore_is_pending_before_it_is_done() -> None:
    assert state_at(RESTORE, day(61)).statuses == ("pending delete", "pending restore")


def test_a_caught_name_is_new_in_every_respect() -> None:
    state = state_at(CATCH, day(81))

    assert state.registered_at == day(80.25)
    assert state.holder == CATCHER
    assert state.statuses == ("client transfer prohibited", "add period")
    assert state.expires_at == years_later(day(80.25), 1)


def test_a_name_sold_at_auction_keeps_its_creation_date_and_handle() -> None:
    parked, sold = state_at(SALE, day(30)), state_at(SALE, day(44))

    assert parked.holder is not None
    assert sold.holder is not None
    assert parked.holder.ns == PARKING
    assert all(host.startswith("expired") for host in parked.holder.ns)
    assert (sold.registered_at, sold.holder.handle) == (CREATED, OWNER.handle)
    assert (sold.holder.registrar, sold.holder.ns, sold.holder.mx) == (CATCHER.registrar, CATCHER.ns, CATCHER.mx)
    assert sold.transferred_at == sold.changed_at == day(43)
    assert sold.registrar_expires_at == years_later(EXPIRY, 1)


def test_profiles_hide_what_their_registry_does_not_publish() -> None:
    de, de_lapsed = state_at(make_spec("a.de"), day(-1)), state_at(make_spec("a.de"), day(1))
    nl, ch, uk = (state_at(make_spec(name), day(-1)) for name in ("a.nl", "a.ch", "a.co.uk"))

    assert (de.expires_at, de.registered_at, de.changed_at, de.shows_registrar) == (None, None, CREATED, False)
    assert de_lapsed.changed_at is None
    assert (nl.registered_at, nl.expires_at) == (CREATED, None)
    assert (ch.registered_at, ch.changed_at, ch.expires_at) == (None, None, None)
    assert (uk.expires_at, uk.registrar_expires_at) == (EXPIRY, None)
    assert state_at(make_spec("a.co.uk"), day(40)).expires_at == EXPIRY


@pytest.mark.parametrize(
    ("story", "seen_as", "rcode"),
    [
        (Story.REGISTRAR_OUTAGE, Breakage.SERVFAIL, "SERVFAIL"),
        (Story.DNS_ONLY_BREAKAGE, Breakage.NXDOMAIN, "NXDOMAIN"),
        (Story.DNS_ONLY_BREAKAGE, Breakage.LAME, "REFUSED"),
        (Story.DNS_ONLY_BREAKAGE, Breakage.TIMEOUT, "TIMEOUT"),
    ],
)
def test_dns_trouble_leaves_the_registration_alone(story: Story, seen_as: Breakage, rcode: str) -> None:
    spec = make_spec(story=story, trouble=Trouble(day(-100), 42, seen_as))
    calm, troubled, over = (state_at(spec, day(-100) + timedelta(hours=hours)) for hours in (-1, 41, 42))

    assert (calm.rcode, troubled.rcode, over.rcode) == ("NOERROR", rcode, "NOERROR")
    assert (troubled.statuses, troubled.expires_at, troubled.holder) == (calm.statuses, calm.expires_at, calm.holder)


@given(
    name=st.sampled_from(["a.com", "a.org", "a.co.uk", "a.de", "a.nl", "a.fr", "a.ch"]),
    story=st.sampled_from(Story),
    days=st.floats(-4000, 4000),
)
def test_any_story_has_a_state_at_any_time(name: str, story: Story, days: float) -> None:
    spec = make_spec(name, story, successor=CATCHER, turn_hours=24 * 8)
    state = state_at(spec, day(days))

    assert state.registered is (state.stage is not Stage.FREE)
    assert state.profile is not Profile.DE or state.expires_at is None
    assert (
        state.expires_at is None
        or state.registrar_expires_at is None
        or (state.registrar_expires_at <= state.expires_at)
    )
    assert state == state_at(spec, day(days))
