"""No page shows a raw address without a reveal (DESIGN invariant 9): every page there is, for every role."""

from __future__ import annotations

import pytest
from flask import Flask

from dashboard.models import Role
from tests.support import every_page
from tests.support.every_page import SECRET
from tests.support.people import post, signed_in_client


@pytest.mark.parametrize("role", list(Role))
def test_no_page_shows_a_raw_address(app: Flask, role: Role) -> None:
    with app.app_context():
        world = every_page.build()
    client, shown = signed_in_client(app, role), 0
    for page in every_page.pages(app, world):
        reply = client.get(page)
        assert reply.status_code < 500, page
        assert SECRET not in reply.text, page
        shown += reply.status_code == 200 and "•••" in reply.text
    assert shown >= 10, "masked addresses are there to be shown"


def test_the_walk_would_find_one(app: Flask) -> None:
    with app.app_context():
        world = every_page.build()
    client = signed_in_client(app)
    page = next(page for page in every_page.pages(app, world) if page.startswith("/accounts/1"))
    fields: dict[str, object] = {"page": page, "reason_code": "support"}
    assert SECRET in post(client, f"/addresses/{world.values['address_id'][0]}/reveal", fields).text
