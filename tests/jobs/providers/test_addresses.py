from __future__ import annotations

from ipaddress import ip_address

import pytest

from jobs.providers.addresses import is_forbidden, require_public
from jobs.providers.errors import ConnectionFailed, ForbiddenAddress


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
    ],
)
def test_an_address_that_is_not_public_is_forbidden(text: str) -> None:
    assert is_forbidden(ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "199.7.83.42", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_may_be_used(text: str) -> None:
    assert not is_forbidden(ip_address(text))


def test_one_forbidden_address_condemns_the_name() -> None:
    with pytest.raises(ForbiddenAddress, match=r"10\.0\.0\.1"):
        require_public("rdap.example", ("8.8.8.8", "10.0.0.1"))


def test_a_name_without_addresses_cannot_be_connected_to() -> None:
    with pytest.raises(ConnectionFailed):
        require_public("rdap.example", ())
