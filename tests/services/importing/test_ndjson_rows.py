"""Account lines with addresses, packages and security events."""

from __future__ import annotations

import json
from collections.abc import Callable

import orjson
import pytest
from sqlalchemy import select

from dashboard.database import db
from dashboard.models import Account, AccountPackage, Address, Package, SecurityEvent
from tests.services.importing.conftest import CTX, Importer, count

ReadAddress = Callable[[str], Address]


def test_an_account_line_brings_addresses_packages_and_events(importer: Importer, address: ReadAddress) -> None:
    result = importer.objects(CTX)
    assert (result.rows, result.accounts, result.addresses, result.domains_new) == (1, 1, 2, 2)
    assert result.notices == ("key shoe_size is not known and was ignored",)
    assert (address("e1").account.external_id, address("e2").local_part, address("e2").is_primary) == (
        "42",
        None,
        True,
    )
    packages = {each.name: each for each in db.session.scalars(select(Package))}
    assert (packages["box"].critical, packages["box"].downloads_30d, packages["lid"].critical) == (True, 27000, False)
    owners = {
        (each.package.name, each.role, each.other_owners) for each in db.session.scalars(select(AccountPackage))
    }
    assert owners == {("box", "owner", 0), ("lid", None, None)}
    assert set(db.session.scalars(select(SecurityEvent.kind))) == {"password_reset", "login"}
    assert importer.objects(CTX).unchanged


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"addresses": {}}, "addresses must be a list"),
        ({"addresses": [7]}, "addresses[0] must be an object"),
        ({"addresses": [{"address_id": "e1", "email": "a@b.com"}]}, "addresses[0].verified must be true or false"),
        ({"addresses": [{"email": "a@b.com", "verified": True}]}, "addresses[0].address_id is empty"),
        ({"account_id": None}, "account_id is empty"),
        ({"account_id": "a\0b"}, "account_id has control characters"),
        ({"account_id": ["a"]}, "account_id must be a string or null"),
        ({"two_factor": "true"}, "two_factor must be true, false or null"),
        ({"packages": [{"name": "box", "purl": "box"}]}, "packages[0].purl must start with pkg:"),
        (
            {"packages": [{"name": "box", "purl": "pkg:pypi/box", "downloads_30d": 2**64}]},
            "packages[0].downloads_30d must be a whole number of at least 0",
        ),
        (
            {"packages": [{"name": "box", "purl": "pkg:pypi/box", "other_owners": -1}]},
            "packages[0].other_owners must be a whole number of at least 0",
        ),
        ({"security_events": [{"kind": "login"}]}, "security_events[0].at is empty"),
        ({"security_events": [{"kind": "login", "at": "2022-05-14"}]}, "security_events[0].at has no time zone"),
    ],
)
def test_a_bad_account_line_is_rejected_as_a_whole(
    importer: Importer, change: dict[str, object], reason: str
) -> None:
    others = [{"account_id": f"a{n}", "addresses": []} for n in range(20)]
    text = b"\n".join(map(orjson.dumps, others))
    importer.accounts(importer.file("accounts.ndjson", text + b"\n" + json.dumps(CTX | change).encode()))
    ((line, found),) = importer.reasons()
    assert line == 21
    assert found.startswith(reason)
    assert (count(Account), count(Address), count(Package), count(SecurityEvent)) == (20, 0, 0, 0)


@pytest.mark.parametrize("text", ["{", "[]", "nul", '{"account_id": "a', "[" * 5000])
def test_a_line_that_is_no_object_is_rejected(importer: Importer, text: str) -> None:
    importer.accounts(importer.file("a.ndjson", '{"account_id":"a1"}\n' * 30 + text))
    assert importer.reasons()[0][0] == 31
