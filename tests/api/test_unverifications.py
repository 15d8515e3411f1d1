"""The pull API over HTTP: order, paging, acknowledgement, and what a token may not see."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from dashboard.app import MAX_BODY
from dashboard.audit.actor import system
from dashboard.auth.tokens import Scope, create_token
from dashboard.database import db, writing
from dashboard.models import Address, ApiToken, AuditEntry, DecisionKind, Notice, Source, Unverification
from dashboard.services.acknowledge import MAX_REASON
from dashboard.services.notices import publish_notices
from dashboard.services.publish import publish
from tests import factories as make
from tests.conftest import START
from tests.services.test_decide import ask, lapse
from tests.support import story

URL = "/api/v1/unverifications"


def token_of(source: Source) -> str:
    with writing() as session:
        return create_token(session, session.merge(source), Scope.UNVERIFICATIONS, START, system("test"))


@pytest.fixture
def token(context: Flask) -> str:
    """A token of a source with three published un-verifications."""
    ask(lapse(3), DecisionKind.APPROVE)
    with writing() as session:
        publish(session, START)
    return token_of(db.session.scalars(select(Source)).one())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def pull(client: FlaskClient, token: str, query: str = "") -> dict[str, Any]:
    reply = client.get(URL + query, headers=bearer(token))
    assert reply.status_code == 200, reply.text
    return dict(reply.get_json())


def acknowledge(client: FlaskClient, token: str, items: Any) -> Any:
    return client.post(f"{URL}/ack", json={"items": items}, headers=bearer(token))


def test_a_source_pulls_its_items_in_order_and_page_by_page(client: FlaskClient, token: str) -> None:
    first = pull(client, token, "?limit=2")
    rest = pull(client, token, f"?after={first['next_after']}&limit=2")
    assert [item["seq"] for item in first["items"] + rest["items"]] == [1, 2, 3]
    assert pull(client, token, "?after=3") == {"items": [], "next_after": 3}


def test_an_item_says_what_was_judged_and_carries_no_address(client: FlaskClient, token: str) -> None:
    item = pull(client, token)["items"][0]
    assert item == {
        "id": item["id"],
        "seq": 1,
        "kind": "unverify",
        "effect": "unverify",
        "account_id": "lapsing-parcels.com/0",
        "address_id": "a-lapsing-parcels.com/0",
        "reverts": None,
        "judged": {"verified": True, "verified_at": "2024-02-05T08:00:00Z", "state_token": "t1"},
        "reason": "lapsed",
        "decided_at": "2026-11-01T08:00:00Z",
    }


def test_notices_come_between_in_one_row_of_numbers(client: FlaskClient, token: str) -> None:
    with writing() as session:
        addresses = session.scalars(select(Address).order_by(Address.id)).all()
        for address in addresses[:2]:
            make.make_notice(session, address, kind="early_warning", reason="in_grace", judged={"verified": True})
    with writing() as session:
        publish_notices(session, START)
    assert [item["seq"] for item in pull(client, token)["items"]] == [1, 2, 3, 4, 5]
    page = pull(client, token, "?after=2&limit=2")
    assert [(item["seq"], item["kind"], item["effect"]) for item in page["items"]] == [
        (3, "unverify", "unverify"),
        (4, "early_warning", None),
    ]
    assert page["next_after"] == 4
    notice = page["items"][1]
    assert (notice["reason"], notice["account_id"]) == ("in_grace", "lapsing-parcels.com/0")
    reply = acknowledge(client, token, [{"id": item["id"], "result": "applied"} for item in page["items"]])
    assert [item["status"] for item in reply.get_json()["items"]] == ["recorded", "recorded"]
    assert db.session.scalars(select(Notice.state).order_by(Notice.id)).all() == ["applied", "sent"]
    assert len(db.session.scalars(select(Address.id).where(Address.verified)).all()) == 2


def test_the_first_serving_marks_an_item_sent(client: FlaskClient, token: str) -> None:
    pull(client, token, "?limit=1")
    db.session.expire_all()
    states = db.session.scalars(select(Unverification.state).order_by(Unverification.id)).all()
    assert states == ["sent", "queued", "queued"]


def test_acknowledging_is_per_item_and_idempotent(client: FlaskClient, token: str) -> None:
    ids = [item["id"] for item in pull(client, token)["items"]]
    words = [{"id": ids[0], "result": "applied"}, {"id": ids[1], "result": "stale", "reason": "verified again"}]
    assert acknowledge(client, token, words).get_json() == {
        "items": [{"id": ids[0], "status": "recorded"}, {"id": ids[1], "status": "recorded"}]
    }
    again = acknowledge(client, token, [{"id": ids[0], "result": "applied"}, {"id": "nothing", "result": "applied"}])
    assert [item["status"] for item in again.get_json()["items"]] == ["unchanged", "unknown"]
    events = db.session.scalars(select(AuditEntry.event)).all()
    assert events.count("unverification.acknowledged") == 1


def test_a_token_neither_sees_nor_acknowledges_another_sources_items(client: FlaskClient, token: str) -> None:
    with writing() as session:
        other = story.add_source(session, "other")
    stranger = token_of(other)
    assert pull(client, stranger) == {"items": [], "next_after": 0}
    public_id = pull(client, token)["items"][0]["id"]
    reply = acknowledge(client, stranger, [{"id": public_id, "result": "applied"}])
    assert reply.get_json()["items"][0]["status"] == "unknown"


@pytest.mark.parametrize(
    "query",
    [
        "?after=-1",
        "?after=x",
        "?limit=0",
        "?limit=1001",
        "?after=9223372036854775808",
        "?after=٣",
        f"?after={'1' * 5000}",
    ],
)
def test_a_bad_number_is_named(client: FlaskClient, token: str, query: str) -> None:
    reply = client.get(URL + query, headers=bearer(token))
    assert reply.status_code == 400
    assert query[1:6] in reply.get_json()["detail"]
    assert reply.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "the body must be JSON"),
        ([], "the body must be JSON"),
        ({"items": [{"id": 3, "result": "applied"}]}, "items[0].id"),
        ({"items": [{"id": "a\0", "result": "applied"}]}, "items[0].id"),
        ({"items": [{"id": "a", "result": "maybe"}]}, "items[0].result"),
        ({"items": [{"id": "a", "result": ["applied"]}]}, "items[0].result"),
        (
            {"items": [{"id": "a", "result": "applied"}, {"id": "a", "result": "stale", "reason": 7}]},
            "items[1].reason",
        ),
        ({"items": [{"id": "a", "result": "applied"}] * 1001}, "at most 1000"),
    ],
)
def test_a_bad_acknowledgement_is_named_and_nothing_is_recorded(
    client: FlaskClient, token: str, body: Any, detail: str
) -> None:
    reply = client.post(f"{URL}/ack", json=body, headers=bearer(token))
    assert reply.status_code == 400
    assert detail in reply.get_json()["detail"]


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"items": [{"id": "\\ud800", "result": "applied"}]}', '{"items": [NaN]}', "\xff"]
)
def test_json_that_no_parser_should_take_is_refused(client: FlaskClient, token: str, body: str) -> None:
    reply = client.post(f"{URL}/ack", data=body, content_type="application/json", headers=bearer(token))
    assert (reply.status_code, reply.mimetype) == (400, "application/problem+json")


def test_a_body_without_end_is_not_read(client: FlaskClient, token: str) -> None:
    body = b" " * (MAX_BODY + 1)
    reply = client.post(f"{URL}/ack", data=body, content_type="application/json", headers=bearer(token))
    assert reply.status_code == 413


def test_a_reason_becomes_one_line_without_anything_invisible(client: FlaskClient, token: str) -> None:
    item = pull(client, token)["items"][0]
    reason = "no such\0 address\n\u202egnorw\x1b[31m" + "x" * 9999
    reply = acknowledge(client, token, [{"id": item["id"], "result": "rejected", "reason": reason}])
    assert reply.get_json() == {"items": [{"id": item["id"], "status": "recorded"}]}
    kept = db.session.scalars(select(Unverification.settled_why).where(Unverification.public_id == item["id"])).one()
    assert kept is not None
    assert kept.startswith("no such address gnorw[31mxxx")
    assert len(kept) == MAX_REASON


def test_a_head_request_marks_nothing_as_sent(client: FlaskClient, token: str) -> None:
    assert client.head(URL, headers=bearer(token)).status_code == 200
    assert set(db.session.scalars(select(Unverification.state))) == {"queued"}


def test_no_token_a_wrong_one_and_a_revoked_one_are_refused(client: FlaskClient, token: str) -> None:
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers=bearer("lw_wrong")).status_code == 401
    with writing() as session:
        session.execute(update(ApiToken).values(revoked_at=START))
    assert client.get(URL, headers=bearer(token)).status_code == 401


def test_cookies_have_no_business_here(client: FlaskClient, token: str) -> None:
    client.set_cookie("session", "anything")
    assert client.get(URL, headers=bearer(token)).status_code in {400, 401, 403}
