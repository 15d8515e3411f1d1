"""Signs of a sale before the drop, one by one; whole stories stand with the evidence tools."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dashboard.lifecycle.assessment import AddressFacts, HolderChange
from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode, Reading
from dashboard.lifecycle.mail_and_names import is_parked
from tests.support.readings import DAY, NOW, fastly, judge, rdap, reading

OLD_NS, NEW_NS, PARKED = ("ns1.old.net",), ("ns1.new.org",), ("ns1.renewyourdomain.net",)


def on(ago: float) -> datetime:
    return NOW - ago * DAY


def told(
    ago: float, ns: tuple[str, ...] = OLD_NS, mx: str | None = "mx.old.net", *, ds: bool | None = None
) -> Reading:
    delegation = Delegation(Rcode.NOERROR, ((10, mx),) if mx else (), has_address=True, ds=ds)
    return reading(
        Evidence(Provider.DNS, "a.com", on(ago), Outcome.FOUND, Phase.ACTIVE, nameservers=ns, delegation=delegation)
    )


def registered(ago: float, **more: Any) -> Reading:
    return rdap(Phase.ACTIVE, ago=ago, **more)


LAPSED = rdap(Phase.AUTO_RENEW_GRACE, ago=50, registrar_expires_at=on(60), expires_at=on(-305))


@pytest.mark.parametrize(
    "hosts",
    [
        ("ns1.renewyourdomain.net",),
        ("expired1.host.com",),
        ("ns2.expired.host.com",),
        ("ns1.pendingrenewaldeletion.com",),
        ("ns1.expirationwarning.net",),
        ("ns1.good.net", "dns.expired-domain.net"),
    ],
)
def test_hosts_for_expired_names_are_known_by_their_words(hosts: tuple[str, ...]) -> None:
    assert is_parked(hosts)


@pytest.mark.parametrize("host", ["ns1.hosting.net", "ns.unexpired.org", "renew.example.com", "experts.net"])
def test_other_hosts_are_not(host: str) -> None:
    assert not is_parked((host,))


@pytest.mark.parametrize(
    ("now", "sold"),
    [
        (told(5), False),
        (told(5, ("ns9.old.net",)), False),  # another host of the same operator
        (told(5, NEW_NS), False),  # one sign alone: owners move, too
        (told(5, mx="mx.new.org"), False),
        (told(5, NEW_NS, "mx.new.org"), True),
        (told(5, NEW_NS, None), False),
        (told(5, NEW_NS, "mx.old.net", ds=False), True),
        (told(5, ds=False), False),
    ],
)
def test_two_signs_after_a_lapse_make_a_sale(now: Reading, *, sold: bool) -> None:
    found = judge(told(90, ds=True), LAPSED, registered(5), now)
    assert found.holder_change is (HolderChange.SOLD if sold else HolderChange.NONE)


def test_without_a_lapse_they_are_an_owners_doing() -> None:
    found = judge(told(90, ds=True), registered(50), registered(5), told(5, NEW_NS, "mx.new.org", ds=False))
    assert found.holder_change is HolderChange.NONE


def test_long_after_a_lapse_they_are_too() -> None:
    lapsed = rdap(Phase.AUTO_RENEW_GRACE, ago=300, registrar_expires_at=on(310), expires_at=on(-55))
    found = judge(told(400), lapsed, told(200), registered(5), told(5, NEW_NS, "mx.new.org"))
    assert found.holder_change is HolderChange.NONE


def test_offered_for_sale_counts_as_a_sign_only_after_the_lapse() -> None:
    moved = (told(90), LAPSED, registered(5), told(5, NEW_NS))
    assert judge(*moved, fastly("marketed priced active", ago=200)).holder_change is HolderChange.NONE
    assert judge(*moved, fastly("marketed priced active", ago=40)).holder_change is HolderChange.SOLD


@pytest.mark.parametrize(("now", "sold"), [(told(5, NEW_NS), True), (told(5), False), (told(5, PARKED), False)])
def test_parking_and_then_another_host_than_before(now: Reading, *, sold: bool) -> None:
    found = judge(told(90), told(50, PARKED, None), registered(5), now)
    assert (found.holder_change is HolderChange.SOLD) is sold


def test_parking_without_memory_of_the_time_before_is_suspect_once_it_ends() -> None:
    found = judge(told(50, PARKED, None), registered(5), told(5))
    assert found.holder_change is HolderChange.SOLD


@pytest.mark.parametrize(
    ("transferred", "sold"),
    [(on(20), True), (on(60.5), True), (on(62), False), (on(75), False), (None, True)],
)
def test_a_new_registrar_is_a_sale_when_the_transfer_came_after_expiry(
    transferred: datetime | None, *, sold: bool
) -> None:
    before = registered(90, registrar="First", expires_at=on(60))
    after = registered(5, registrar="Second", expires_at=on(-305), transferred_at=transferred)
    assert (judge(before, after).holder_change is HolderChange.SOLD) is sold


def test_a_new_registrar_long_after_a_renewal_is_an_ordinary_transfer() -> None:
    before = registered(300, registrar="First", expires_at=on(250))
    after = registered(5, registrar="Second", expires_at=on(-480), transferred_at=on(10))
    assert judge(before, after).holder_change is HolderChange.NONE


def test_the_new_holders_time_begins_with_the_transfer() -> None:
    after = registered(5, registrar="Second", registrar_expires_at=on(-305), transferred_at=on(20))
    addresses = (AddressFacts("1", on(400)), AddressFacts("2", on(10)), AddressFacts("3", on(10), None, on(400)))
    found = judge(LAPSED, after, told(5), addresses=addresses)
    assert [address.at_risk for address in found.addresses] == [True, False, True]
    assert "re-verified under the new holder" in found.addresses[2].why
