"""Accounts for support: found without an address in a URL, explained in words that can be sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.database import db, writing
from dashboard.models import Address
from tests import factories as make
from tests.conftest import START
from tests.support import audit, story
from tests.support.people import post, signed_in_client

DAY = timedelta(days=1)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def text(html: str) -> str:
    return " ".join(html.split())


@pytest.fixture
def account_id(app: Flask) -> int:
    """An account with an address at a domain that lapsed and one that is fine."""
    with app.app_context(), writing() as session:
        story.add_staff(session)
        source = make.make_source(session, "index", "The Index")
        account = make.make_account(session, source, "paula", external_id="u-77", two_factor=False)
        make.make_address(session, account, make.make_domain(session, "lapsed.net"), "paula.long")
        fine = make.make_domain(session, "fine.net", phase="active")
        make.make_address(session, account, fine, "paula.other", is_primary=False)
        make.make_package(session, account, "parcel-tools")
        make.make_event(session, account, "password_reset", START - DAY)
        make.make_case(session, make.make_domain(session, "unrelated.net"))
        return account.id


def unverified(app: Flask, state: str, reason: str = "lapsed", **values: object) -> None:
    """Decide on the lapsed domain, with this state of the effect on its address."""
    with app.app_context(), writing() as session:
        address = session.get_one(Address, 1)
        assert address.domain
        case = make.make_case(session, address.domain, state="decided")
        decision = make.make_decision(session, case, 1, reason_code=reason)
        item = make.make_unverification(session, decision, address, state)
        item.settled_at = START + DAY
        for name, value in values.items():
            setattr(item, name, value)
        if state in {"applied", "already"} and item.effect == "unverify":
            address.verified = False


def test_the_page_tells_the_whole_story(app: Flask, client: FlaskClient, account_id: int) -> None:
    unverified(app, "applied")
    page = text(client.get(f"/accounts/{account_id}").text)
    assert "Since 2 November 2026 it is no longer verified." in page
    assert "The registration of lapsed.net had run out." in page
    assert "Your account has another verified address, which goes on as before." in page
    assert "If lapsed.net is still yours, renew it" in page
    assert "we know of nothing wrong with its domain fine.net" in page
    for shown in ("parcel-tools", "Password reset", "The Index", "u-77", "no 2FA", "p•••g@lapsed.net"):
        assert shown in page
    assert "unrelated.net" not in page
    assert "paula.long" not in page
    assert "paula.other" not in page


@pytest.mark.parametrize(
    ("state", "values", "words"),
    [
        ("queued", {}, "We decided on 1 November 2026 that it is no longer verified, which takes effect shortly."),
        ("already", {}, "Since 2 November 2026 it is no longer verified."),
        ("applied", {"effect": "block_reset"}, "Since 2 November 2026 password resets to it are refused."),
        ("stale", {}, "it was verified anew before that. Nothing was changed."),
        ("rejected", {}, "which was not done. Nothing was changed."),
        ("withheld", {}, "and did not. Nothing was changed."),
        ("withdrawn", {}, "changed our mind. Nothing was changed."),
        ("reverted", {}, "gave it back on 2 November 2026. You need to do nothing."),
        ("revert_queued", {}, "are giving it back. You need to do nothing."),
        ("a state to come", {}, "Nothing was changed."),
    ],
)
def test_every_outcome_has_its_words(
    app: Flask, client: FlaskClient, account_id: int, state: str, values: dict[str, str], words: str
) -> None:
    unverified(app, state, **values)
    assert words in text(client.get(f"/accounts/{account_id}").text)


@pytest.mark.parametrize(
    ("reason", "why", "back"),
    [
        ("caught", "was registered anew, as far as we can see by somebody else", "your registrar&#39;s invoice"),
        ("sold", "has a new holder", "Remove the address if lapsed.net is not yours any more."),
        ("other", "We could not be sure any more", "answer this message with something that shows it"),
    ],
)
def test_the_reason_leads_to_another_way_back(
    app: Flask, client: FlaskClient, account_id: int, reason: str, why: str, back: str
) -> None:
    unverified(app, "applied", reason)
    page = text(client.get(f"/accounts/{account_id}").text)
    assert why in page
    assert back in page


def test_who_has_no_verified_address_left_is_told_how_to_get_in(
    app: Flask, client: FlaskClient, account_id: int
) -> None:
    unverified(app, "applied")
    with app.app_context(), writing() as session:
        session.get_one(Address, 2).verified = False
    page = text(client.get(f"/accounts/{account_id}").text)
    assert "no verified address" in page
    assert "Your account has no verified address left." in page
    assert "Add another address that you control to your account, and verify it." in page


def test_an_address_that_was_verified_again_is_told_of_as_it_stands(
    app: Flask, client: FlaskClient, account_id: int
) -> None:
    unverified(app, "applied")
    with app.app_context(), writing() as session:
        address = session.get_one(Address, 1)
        address.verified, address.verified_at = True, START + 3 * DAY
    assert "It is verified again" in text(client.get(f"/accounts/{account_id}").text)


def test_the_letter_is_plain_text_with_masked_addresses(app: Flask, client: FlaskClient, account_id: int) -> None:
    unverified(app, "applied")
    letter = client.get(f"/accounts/{account_id}").text.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]
    assert letter.startswith("Hello paula,\n\nthis is what we know about the addresses of your account at The Index.")
    assert "\n\np•••g@lapsed.net\nSince 2 November 2026 it is no longer verified." in letter


def test_a_case_leads_to_its_accounts(app: Flask, client: FlaskClient, account_id: int) -> None:
    unverified(app, "applied")
    assert f'href="/accounts/{account_id}"' in client.get("/domains/lapsed.net").text
    assert client.get("/accounts/99").status_code == 404


@pytest.mark.parametrize("typed", ["paula", "PAULA", "u-77", "paula.long@lapsed.net", "Paula.Long@LAPSED.net"])
def test_an_account_is_found_by_name_id_or_address(
    app: Flask, client: FlaskClient, account_id: int, typed: str
) -> None:
    reply = post(client, "/accounts/search", {"text": typed})
    assert (reply.status_code, reply.location) == (303, f"/accounts/{account_id}")


def test_a_search_by_address_is_in_the_audit_log_without_the_address(
    app: Flask, client: FlaskClient, account_id: int
) -> None:
    post(client, "/accounts/search", {"text": "nobody@lapsed.net"})
    post(client, "/accounts/search", {"text": "paula"})
    with app.app_context():
        found = [entry for entry in audit.entries(db.session()) if entry.event == "address.searched"]
    assert [entry.data for entry in found] == [{"accounts": 0}]
    assert "nobody" not in repr(found)


def test_what_was_typed_is_not_shown_again(app: Flask, client: FlaskClient, account_id: int) -> None:
    reply = post(client, "/accounts/search", {"text": "nobody@lapsed.net"})
    assert reply.status_code == 200
    assert "nobody" not in reply.text
    assert "No account has this name" in reply.text


def test_several_accounts_of_one_name_are_listed(app: Flask, client: FlaskClient, account_id: int) -> None:
    with app.app_context(), writing() as session:
        make.make_account(session, make.make_source(session, "other", "Other Index"), "paula")
    page = post(client, "/accounts/search", {"text": "paula"}).text
    assert "2 accounts" in page
    assert "Other Index" in page
