from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import MAX_ITEMS, Outcome, Phase
from jobs.providers import errors
from jobs.providers.rdap_parse import parse_date, parse_domain, redacted
from tests.jobs.providers.helpers import NOW


def card(*properties: list[object]) -> list[object]:
    return ["vcard", [["version", {}, "text", "4.0"], *properties]]


def whole() -> dict[str, Any]:
    """A reply with everything that is read."""
    return {
        "objectClassName": "domain",
        "handle": "2336799_DOMAIN_COM-VRSN",
        "ldhName": "EXAMPLE.COM",
        "status": ["client transfer prohibited", "redemption period", "pending delete"],
        "events": [
            {"eventAction": "registration", "eventDate": "2012-03-04T05:06:07Z"},
            {"eventAction": "expiration", "eventDate": "2027-03-04T05:06:07Z"},
            {"eventAction": "last changed", "eventDate": "2026-05-01T00:00:00.123456789Z"},
            {"eventAction": "transfer", "eventDate": "2020-01-01T02:00:00+02:00"},
            {"eventAction": "registrar expiration", "eventDate": "2026-03-04T05:06:07Z"},
        ],
        "entities": [
            {
                "roles": ["registrant"],
                "vcardArray": card(["fn", {}, "text", "Jane Roe"], ["email", {}, "text", "jane@example.com"]),
            },
            {
                "roles": ["registrar"],
                "handle": "292",
                "publicIds": [{"type": "IANA Registrar ID", "identifier": "292"}],
                "vcardArray": card(["fn", {}, "text", "Sample Registrar, Inc."]),
                "entities": [{"roles": ["abuse"], "vcardArray": card(["email", {}, "text", "abuse@registrar.test"])}],
            },
        ],
        "nameservers": [{"ldhName": "NS2.EXAMPLE.NET."}, {"ldhName": "ns1.example.net"}],
    }


def parse(document: dict[str, Any], domain: str = "example.com") -> Any:
    return parse_domain(document, domain, NOW, "rdap.test")


def test_a_whole_reply_is_read() -> None:
    evidence = parse(whole())
    assert evidence.outcome is Outcome.FOUND
    assert evidence.phase is Phase.REDEMPTION
    assert evidence.registered_at == datetime(2012, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert evidence.expires_at == datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert evidence.registrar_expires_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert evidence.changed_at == datetime(2026, 5, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert evidence.transferred_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert evidence.registrar == "Sample Registrar, Inc."
    assert evidence.handle == "2336799_DOMAIN_COM-VRSN"
    assert evidence.nameservers == ("ns1.example.net", "ns2.example.net")
    assert evidence.statuses == ("client transfer prohibited", "pending delete", "redemption period")


def test_one_bad_date_does_not_lose_the_rest() -> None:
    document = whole()
    document["events"][0]["eventDate"] = "sometime in spring"
    document["events"].insert(0, "not even an event")
    evidence = parse(document)
    assert evidence.registered_at is None
    assert evidence.expires_at == datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken", [None, "vcard", ["vcard"], ["vcard", None], ["vcard", [None, ["fn"], ["fn", {}, "text", 7]]]]
)
def test_a_bad_card_leaves_the_registrars_number(broken: object) -> None:
    document = whole()
    document["entities"][1]["vcardArray"] = broken
    evidence = parse(document)
    assert evidence.registrar == "IANA Registrar ID 292"
    assert evidence.handle


@pytest.mark.parametrize("member", ["handle", "status", "events", "entities", "nameservers"])
@pytest.mark.parametrize("value", [None, 7, "text", {}, [], [None], [[]], [{}], {"a": []}])
def test_any_member_may_be_missing_or_of_another_form(member: str, value: object) -> None:
    evidence = parse({**whole(), member: value})
    assert evidence.outcome is Outcome.FOUND
    missing = whole()
    del missing[member]
    assert parse(missing).outcome is Outcome.FOUND


def test_epp_spellings_are_understood() -> None:
    document = {**whole(), "status": ["clientTransferProhibited https://icann.org/epp#x", "pendingRestore"]}
    assert parse(document).statuses == ("client transfer prohibited", "pending restore")


def test_a_reregistration_is_when_the_current_registration_began() -> None:
    document = whole()
    document["events"].append({"eventAction": "reregistration", "eventDate": "2025-01-01T00:00:00Z"})
    assert parse(document).registered_at == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-05-14T18:40:05Z", datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)),
        ("2022-05-14T18:40:05.0Z", datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)),
        ("2022-05-14 18:40:05", datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)),
        ("2022-05-14 18:40:05 UTC", datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)),
        ("2022-05-14T18:40:05+0200", datetime(2022, 5, 14, 16, 40, 5, tzinfo=UTC)),
        (" 2022-05-14 ", datetime(2022, 5, 14, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2022-13-01", None),
        ("", None),
        (1652553605, None),
        (None, None),
    ],
)
def test_dates_are_read_in_their_usual_forms_and_place_holders_are_none(text: str, expected: Any) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, errors.Malformed),
        ({"objectClassName": "domain", "status": ["active"]}, errors.Malformed),
        ({"errorCode": 404, "title": "Not found"}, errors.Malformed),
        ({"ldhName": "other.com"}, errors.WrongDomain),
        ({"unicodeName": "other.com"}, errors.WrongDomain),
        ({"ldhName": "example.com", "handle": "other.com"}, errors.WrongDomain),
        ({"ldhName": "mail.example.com"}, errors.WrongDomain),
        ({"ldhName": "example.com.evil.test"}, errors.WrongDomain),
        ({"ldhName": ["example.com"]}, errors.Malformed),
    ],
)
def test_a_reply_that_is_not_about_the_domain_is_an_error(document: dict[str, Any], expected: Any) -> None:
    with pytest.raises(expected):
        parse(document)


@pytest.mark.parametrize(
    "named",
    [
        {"ldhName": "EXAMPLE.COM"},
        {"ldhName": "Example.Com."},
        {"ldhName": " example.com "},
        {"ldhName": "example.com", "handle": "EXAMPLE.COM"},
        {"ldhName": "example.com", "handle": "2336799_DOMAIN_COM-VRSN"},
        {"ldhName": "example.com", "handle": "other.net"},
        {"ldhName": "example.com", "handle": 7},
    ],
)
def test_its_own_name_may_be_written_otherwise(named: dict[str, Any]) -> None:
    assert parse(named).domain == "example.com"


def test_a_unicode_name_is_enough() -> None:
    assert parse({"unicodeName": "münchen.de"}, "xn--mnchen-3ya.de").domain == "xn--mnchen-3ya.de"


def test_hostile_sizes_are_bounded() -> None:
    document = {
        **whole(),
        "handle": "h" * 10_000,
        "status": [f"status {n}" * 50 for n in range(1000)],
        "nameservers": [{"ldhName": f"ns{n}.test"} for n in range(1000)],
    }
    evidence = parse(document)
    assert len(evidence.handle or "") == 255
    assert len(evidence.statuses) == len(evidence.nameservers) == MAX_ITEMS
    assert max(len(word) for word in evidence.statuses) <= 64


def test_what_is_kept_holds_no_contact_but_the_registrars_name() -> None:
    kept = redacted(whole())
    assert b"jane" not in kept.lower()
    assert b"abuse@registrar.test" not in kept
    assert b"Sample Registrar, Inc." in kept
    assert json.loads(kept)["events"] == whole()["events"]


def test_contacts_are_taken_out_wherever_they_hide() -> None:
    person = {"roles": ["technical"], "vcardArray": card(["email", {}, "text", "jane@example.com"])}
    document = whole() | {
        "nameservers": [{"ldhName": "ns1.example.net", "entities": [person]}],
        "network": {"entities": [person | {"jscard": {"emails": {"e": {"address": "jane@example.com"}}}}]},
        "remarks": [{"description": ["Write to jane@example.com (Jane's own)", "mailto:jane@example.com"]}],
        "jane@example.com": "a key of the server's own",
    }
    kept = redacted(document)
    assert b"jane@" not in kept
    assert json.loads(kept)["nameservers"][0]["ldhName"] == "ns1.example.net"
    assert json.loads(kept)["remarks"][0]["description"][1] == "mailto:•••@example.com"


def test_a_reply_nested_without_end_is_kept_in_part() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"entities": [deep]}
    assert len(redacted(deep)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(sorted(whole()))
entities = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "roles": json_values | st.just(["registrar"]),
            "vcardArray": json_values,
            "publicIds": json_values,
            "entities": json_values,
        },
    )
)


@given(st.dictionaries(names, json_values), entities)
def test_any_json_gives_evidence_or_a_typed_error(members: dict[str, Any], listed: list[dict[str, Any]]) -> None:
    document = {"ldhName": "example.com", "entities": listed, **members}
    try:
        evidence = parse(document)
    except errors.ProviderError:
        return
    finally:
        json.loads(redacted(document))
    assert evidence.from_normalised(evidence.normalised(), NOW) == evidence


SPOTS: dict[str, tuple[Callable[[dict[str, Any], Any], None], set[str]]] = {
    "registration date": (lambda doc, odd: doc["events"][0].update(eventDate=odd), {"registered_at"}),
    "expiry date": (lambda doc, odd: doc["events"][1].update(eventDate=odd), {"expires_at"}),
    "change date": (lambda doc, odd: doc["events"][2].update(eventDate=odd), {"changed_at"}),
    "registrar's date": (lambda doc, odd: doc["events"][4].update(eventDate=odd), {"registrar_expires_at"}),
    "holder's card": (lambda doc, odd: doc["entities"][0].update(vcardArray=odd), set()),
    "registrar's card": (lambda doc, odd: doc["entities"][1].update(vcardArray=odd), {"registrar"}),
    "a line of its card": (lambda doc, odd: doc["entities"][1]["vcardArray"][1].append(odd), {"registrar"}),
    "one entity": (lambda doc, odd: doc["entities"].insert(0, odd), {"registrar"}),
    "one event": (lambda doc, odd: doc["events"].insert(0, odd), set()),
    "one name server": (lambda doc, odd: doc["nameservers"].insert(0, odd), {"nameservers"}),
    "one status": (lambda doc, odd: doc["status"].insert(0, odd), {"statuses"}),
    "the links": (lambda doc, odd: doc.update(links=odd), set()),
    "the notices": (lambda doc, odd: doc.update(notices=odd), set()),
}


@settings(deadline=None)  # a busy machine is no fault
@given(st.sampled_from(sorted(SPOTS)), json_values)
def test_what_is_wrong_in_one_place_never_loses_the_rest(spot: str, odd: object) -> None:
    damage, concerned = SPOTS[spot]
    document = whole()
    damage(document, odd)
    found, sound = parse(document), parse(whole())
    differs = {name for name, value in sound.normalised().items() if found.normalised()[name] != value}
    assert differs <= concerned


def test_a_registrar_without_a_card_is_told_by_its_handle() -> None:
    assert (
        parse({"ldhName": "example.com", "entities": [{"roles": ["registrar"], "handle": "292"}]}).registrar == "292"
    )
    units = {"roles": ["registrar"], "vcardArray": card(["org", {}, "text", ["Northgrid", "Domains"]])}
    assert parse({"ldhName": "example.com", "entities": units}).registrar == "Northgrid"


def test_another_object_of_the_same_name_is_no_domain() -> None:
    with pytest.raises(errors.Malformed, match="nameserver"):
        parse({"objectClassName": "nameserver", "ldhName": "example.com"})
