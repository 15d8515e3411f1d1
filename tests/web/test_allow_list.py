"""The allow-list's screens: everybody reads, admins change, and never without a look at what an entry would match."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.database import db, writing
from dashboard.models import Address, AllowListEntry, Case, Role
from tests import factories as make
from tests.conftest import ManualClock
from tests.support import audit
from tests.support.people import csrf_token, post, signed_in_client

FIELDS: dict[str, object] = {
    "kind": "domain",
    "value": "sound.net",
    "reason": "The owner renews by hand",
    "expires": "",
}


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return signed_in_client(app, Role.ADMIN)


def text(html: str) -> str:
    return " ".join(html.split())


def rows(app: Flask) -> list[AllowListEntry]:
    with app.app_context():
        return list(db.session.scalars(select(AllowListEntry).order_by(AllowListEntry.id)))


def entries(app: Flask, event: str) -> list[audit.Entry]:
    with app.app_context():
        return [entry for entry in audit.entries(db.session()) if entry.event == event]


def add(client: FlaskClient, **fields: object) -> int:
    values = FIELDS | fields
    reply = post(client, "/allow-list", values | {"previewed": f"{values['kind']} {values['value']}"})
    assert reply.status_code == 303, reply.text
    return int(reply.location.rsplit("/", 1)[1])


def make_addresses(app: Flask, name: str = "sound.net", count: int = 3) -> int:
    with app.app_context(), writing() as session:
        source, domain = make.make_source(session), make.make_domain(session, name)
        for _ in range(count):
            make.make_address(session, make.make_account(session, source), domain)
        return make.make_case(session, domain).id


def test_an_entry_is_saved_only_after_a_look_at_what_it_would_match(app: Flask, admin: FlaskClient) -> None:
    make_addresses(app)
    looked = post(admin, "/allow-list/preview", FIELDS)
    assert looked.status_code == 200
    said = text(looked.text)
    assert "sound.net would match 3 addresses of 1 domain. 1 open case would be closed." in said
    assert 'name="previewed" value="domain sound.net"' in said
    unseen = post(admin, "/allow-list", FIELDS)
    assert unseen.status_code == 200
    assert "would match" in unseen.text
    other = post(admin, "/allow-list", FIELDS | {"value": "other.net", "previewed": "domain sound.net"})
    assert "No monitored domain matches yet" in other.text
    assert rows(app) == []
    add(admin)
    assert [(row.kind, row.value, row.reason) for row in rows(app)] == [
        ("domain", "sound.net", "The owner renews by hand")
    ]
    assert len(entries(app, "allow_list.added")) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": "someone@sound.net"}, "entries are never single addresses"),
        ({"value": "mail.sound.net"}, "mail.sound.net is a host of sound.net"),
        ({"value": "co.uk"}, "choose the kind suffix"),
        ({"value": "192.0.2.1"}, "no name under which mail is ever checked"),
        ({"value": ""}, "no name under which mail is ever checked"),
        ({"reason": " "}, "Write a reason"),
        ({"expires": "2026-10-31"}, "still to come"),
        ({"expires": "soon"}, "Write the day"),
        ({"kind": "preset"}, "Choose one of domain, host, suffix, mx"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field(
    app: Flask, admin: FlaskClient, fields: dict[str, object], words: str
) -> None:
    for path in ("/allow-list/preview", "/allow-list"):
        reply = post(admin, path, FIELDS | fields)
        assert reply.status_code == 422
        assert words in text(reply.text)
        assert "someone@" not in reply.text
    assert rows(app) == []


def test_what_is_on_the_list_is_not_added_twice(app: Flask, admin: FlaskClient) -> None:
    assert add(admin) == add(admin)
    assert len(rows(app)) == 1
    assert len(entries(app, "allow_list.added")) == 1


def test_everybody_reads_and_only_admins_change(app: Flask, admin: FlaskClient) -> None:
    entry_id = add(admin)
    for role in (Role.REVIEWER, Role.AUDITOR):
        client = signed_in_client(app, role)
        for path in ("/allow-list", f"/allow-list/{entry_id}", "/allow-list/preset", "/allow-list/preset/gmail.com"):
            page = client.get(path)
            assert page.status_code == 200
            assert 'method="post"' not in page.text.split("<main", 1)[1], path
        forms = ("end", "edit"), ("/allow-list/preset/gmail.com/switch", "/allow-list/import")
        for path in (*(f"/allow-list/{entry_id}/{name}" for name in forms[0]), *forms[1]):
            before = len(entries(app, "access.refused"))
            assert post(client, path, {"reason": "because"}).status_code == 403
            assert len(entries(app, "access.refused")) == before + 1
    assert rows(app)[0].ended_at is None


def test_an_entry_is_removed_with_a_reason_and_stays_on_record(app: Flask, admin: FlaskClient) -> None:
    entry_id = add(admin)
    post(admin, f"/allow-list/{entry_id}/end", {"reason": " "})
    assert rows(app)[0].ended_at is None
    assert post(admin, f"/allow-list/{entry_id}/end", {"reason": "It was sold"}).status_code == 303
    page = admin.get(f"/allow-list/{entry_id}").text
    assert "It was sold" in page
    assert "Removed" in page
    assert post(admin, f"/allow-list/{entry_id}/end", {"reason": "again"}).status_code == 409
    assert "sound.net" not in admin.get("/allow-list").text.split("<main", 1)[1]
    assert "sound.net" in admin.get("/allow-list?ended=1").text
    assert len(entries(app, "allow_list.ended")) == 1
    assert post(admin, "/allow-list/99/end", {"reason": "none"}).status_code == 404


def seen(client: FlaskClient, entry_id: int) -> str:
    found = re.search(r'name="seen" value="(\w+)"', client.get(f"/allow-list/{entry_id}").text)
    assert found
    return found[1]


def edit(client: FlaskClient, entry_id: int, mark: str, **fields: object) -> TestResponse:
    values = {"reason": FIELDS["reason"], "expires": "", "seen": mark} | fields
    return post(client, f"/allow-list/{entry_id}/edit", values)


def test_reason_and_expiry_are_changed_in_one_entry_of_the_log(app: Flask, admin: FlaskClient) -> None:
    entry_id = add(admin, expires="2027-01-31")
    assert 'value="2027-01-31"' in admin.get(f"/allow-list/{entry_id}").text
    reply = edit(admin, entry_id, seen(admin, entry_id), reason="Their lawyer wrote", expires="2027-03-01")
    assert reply.status_code == 303
    page = text(admin.get(f"/allow-list/{entry_id}").text)
    for words in ("The entry was changed", "Their lawyer wrote", 'value="2027-03-01"', "<dt>Changed</dt>"):
        assert words in page
    edit(admin, entry_id, seen(admin, entry_id), reason="Their lawyer wrote")
    told = entries(app, "allow_list.changed")
    assert [entry.data for entry in told] == [
        {"kind": "domain", "value": "sound.net", "expires_before": before, "expires_at": after, "reworded": reworded}
        for before, after, reworded in (
            ("2027-01-31T00:00:00Z", "2027-03-01T00:00:00Z", True),
            ("2027-03-01T00:00:00Z", None, False),
        )
    ]
    assert rows(app)[0].expires_at is None
    assert "Nothing was changed" in text(
        admin.get(edit(admin, entry_id, seen(admin, entry_id), reason="Their lawyer wrote").location).text
    )
    assert len(entries(app, "allow_list.changed")) == 2


@pytest.mark.parametrize(
    ("fields", "anchor"),
    [
        ({"reason": " "}, "edit-reason"),
        ({"expires": "2020-01-01"}, "edit-expires"),
        ({"expires": "x"}, "edit-expires"),
    ],
)
def test_terms_that_cannot_be_used_are_said_at_their_field(
    app: Flask, admin: FlaskClient, fields: dict[str, object], anchor: str
) -> None:
    entry_id = add(admin)
    reply = edit(admin, entry_id, seen(admin, entry_id), **fields)
    assert reply.status_code == 422
    assert f'<a href="#{anchor}">' in reply.text
    assert f'id="{anchor}-error"' in reply.text
    assert entries(app, "allow_list.changed") == []


def test_of_two_admins_the_slower_one_changes_nothing_and_learns_who_was_faster(
    app: Flask, admin: FlaskClient
) -> None:
    entry_id, other = add(admin), signed_in_client(app, Role.ADMIN)
    mark = seen(other, entry_id)
    edit(admin, entry_id, mark, expires="2027-02-01")
    reply = edit(other, entry_id, mark, expires="2030-01-01")
    assert reply.status_code == 409
    assert "changed this entry" in text(reply.text)
    assert 'value="2027-02-01"' in reply.text
    assert edit(other, entry_id, seen(other, entry_id), expires="2030-01-01").status_code == 303


def test_what_has_ended_is_not_changed(app: Flask, admin: FlaskClient, clock: ManualClock) -> None:
    removed, expired = add(admin), add(admin, value="other.net", expires="2026-11-05")
    marks = seen(admin, removed), seen(admin, expired)
    post(admin, f"/allow-list/{removed}/end", {"reason": "It was sold"})
    clock.advance(days=9)
    for entry_id, mark in zip((removed, expired), marks, strict=True):
        assert edit(admin, entry_id, mark, expires="2030-01-01").status_code == 409
    assert edit(admin, 99, "x").status_code == 404
    assert entries(app, "allow_list.changed") == []


def test_a_closed_case_names_the_entry_and_the_entry_its_cases(app: Flask, admin: FlaskClient) -> None:
    case_id, entry_id = make_addresses(app), add(admin)
    with app.app_context(), writing() as session:
        case = session.get_one(Case, case_id)
        case.state, case.allow_entry_id = "closed_allow_listed", entry_id
    assert f'href="/cases/{case_id}"' in admin.get(f"/allow-list/{entry_id}").text
    assert f'href="/allow-list/{entry_id}"' in admin.get(f"/cases/{case_id}").text


def test_a_domain_and_a_case_lead_to_the_form_filled_in(app: Flask, admin: FlaskClient) -> None:
    case_id = make_addresses(app)
    link = "/allow-list/new?kind=domain&amp;value=sound.net"
    for path in ("/domains/sound.net", f"/cases/{case_id}"):
        assert link in admin.get(path).text
        assert link not in signed_in_client(app).get(path).text
    assert 'value="sound.net"' in admin.get(link.replace("&amp;", "&")).text
    assert "someone@" not in admin.get("/allow-list/new?value=someone@sound.net").text


def test_a_domains_page_says_by_which_entry_it_is_kept(app: Flask, admin: FlaskClient) -> None:
    make_addresses(app)
    entry_id = add(admin, kind="host", value="staff.sound.net")
    with app.app_context(), writing() as session:
        session.scalars(select(Address)).first().host = "staff.sound.net"  # type: ignore[union-attr]
    page = text(admin.get("/domains/sound.net").text)
    assert f'1 of its addresses is on the allow-list, by <a href="/allow-list/{entry_id}">' in page
    entry_id = add(admin)
    page = text(signed_in_client(app).get("/domains/sound.net").text)
    assert f'On the allow-list, by <a href="/allow-list/{entry_id}">the domain sound.net</a>' in page
    with app.app_context(), writing() as session:
        make.make_domain(session, "gmail.com")
    assert '<a href="/allow-list/preset/gmail.com">the preset</a>' in text(admin.get("/domains/gmail.com").text)


def test_a_part_of_the_preset_is_switched_off_and_on_with_a_reason(app: Flask, admin: FlaskClient) -> None:
    path = "/allow-list/preset/gmail.com"
    post(admin, f"{path}/switch", {"to": "off", "reason": ""})
    assert rows(app) == []
    assert post(admin, f"{path}/switch", {"to": "off", "reason": "a drill"}).status_code == 303
    assert "Switched off" in admin.get(path).text
    assert "a drill" in admin.get("/allow-list/preset").text
    assert post(admin, f"{path}/switch", {"to": "off", "reason": "a drill"}).status_code == 409
    assert post(admin, f"{path}/switch", {"to": "on", "reason": "the drill is over"}).status_code == 303
    assert "On the allow-list" in admin.get(path).text
    assert [len(entries(app, f"allow_list.{what}")) for what in ("ended", "switched_on")] == [1, 1]
    assert admin.get("/allow-list/preset/sound.net").status_code == 404
    assert post(admin, "/allow-list/preset/sound.net/switch", {"to": "off", "reason": "x"}).status_code == 404


def send(client: FlaskClient, content: bytes) -> str:
    data = {"csrf_token": csrf_token(client), "file": (io.BytesIO(content), "list.csv")}
    return text(client.post("/allow-list/import", data=data, content_type="multipart/form-data").text)


def test_a_file_is_taken_in_and_bad_lines_are_named(app: Flask, admin: FlaskClient) -> None:
    content = b'kind,value,reason,expires\ndomain,a.net,fine,\ndomain,mail.b.net,a host,\n\nmx,google.com,"two\nlines",2027-01-31\nsuffix,uk\nhost,x@c.net,no,\ndomain,a.net,twice,\n'
    page = send(admin, content)
    assert "2 entries added, 1 on the list already, 3 lines left out." in page
    for line, words in ((3, "is a host of b.net"), (7, "2 cells where 4 are wanted"), (8, "single addresses")):
        assert f'<td class="num">{line}</td> <td>' in page
        assert words in page
    assert "x@c" not in page
    assert {(row.kind, row.value) for row in rows(app)} == {("domain", "a.net"), ("mx", "google.com")}
    assert len(entries(app, "allow_list.imported")) == 1
    assert "0 entries added, 3 on the list already" in send(admin, content)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "first line must be"), (b"\xff\xfe", "not UTF-8"), (b'kind,value,reason,expires\n"', "no CSV")],
)
def test_what_is_no_such_file_adds_nothing(app: Flask, admin: FlaskClient, content: bytes, words: str) -> None:
    assert words in send(admin, content)
    assert rows(app) == []
    assert entries(app, "allow_list.imported") == []


def test_an_exported_file_is_safe_for_spreadsheets_and_can_be_taken_in_again(app: Flask, admin: FlaskClient) -> None:
    add(admin, reason="=1+1", expires="2027-01-31")
    reply = admin.get("/allow-list.csv")
    assert reply.text == "kind,value,reason,expires\r\ndomain,sound.net,'=1+1,2027-01-31\r\n"
    assert "attachment" in reply.headers["Content-Disposition"]
    post(admin, "/allow-list/1/end", {"reason": "to be taken in again"})
    assert "1 entry added" in send(admin, reply.data)
    assert rows(app)[-1].reason == "=1+1"


def test_pages_of_entries_hold_together(app: Flask, admin: FlaskClient) -> None:
    lines = b"".join(b"domain,name%03d.net,many,\n" % number for number in range(60))
    assert "60 entries added" in send(admin, b"kind,value,reason,expires\n" + lines)
    first = admin.get("/allow-list").text
    assert "name059.net" in first
    assert "name009.net" not in first
    after = admin.get("/allow-list?after=" + first.split("?after=")[1].split('"')[0]).text
    assert "name009.net" in after
    assert "name059.net" not in after
    assert "name009.net" not in admin.get("/allow-list?kind=mx").text
