"""From one case to the next or the one before, in the queue as it was last looked at."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.database import writing
from tests import factories as make
from tests.conftest import START
from tests.support.people import signed_in_client


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def add(app: Flask, *risks: int, **values: Any) -> list[int]:
    with app.app_context(), writing() as session:
        return [make.make_case(session, risk=risk, **values).id for risk in risks]


def leaf(client: FlaskClient, case: int, way: str) -> str:
    reply = client.get(f"/cases/{case}/{way}")
    assert reply.status_code == 303
    return str(reply.location)


def test_both_ways_follow_the_order_of_the_queue(app: Flask, reviewer: FlaskClient) -> None:
    calm, riskiest, middle = add(app, 10, 300, 200)
    assert leaf(reviewer, riskiest, "next") == f"/cases/{middle}"
    assert leaf(reviewer, middle, "next") == f"/cases/{calm}"
    assert leaf(reviewer, calm, "previous") == f"/cases/{middle}"
    page = reviewer.get(f"/cases/{middle}").text
    assert f'<a href="/cases/{middle}/previous" data-key="k">' in page
    assert f'<a href="/cases/{middle}/next" data-key="j">' in page


@pytest.mark.parametrize(
    ("way", "risk", "words"), [("next", 1, "behind that one"), ("previous", 9, "before that one")]
)
def test_at_its_ends_the_queue_comes_again(
    app: Flask, reviewer: FlaskClient, way: str, risk: int, words: str
) -> None:
    add(app, 5)
    reply = reviewer.get(f"/cases/{add(app, risk)[0]}/{way}", follow_redirects=True)
    assert reply.request.path == "/cases"
    assert words in reply.text


def test_filters_and_sorting_stay_those_of_the_queue_one_came_from(app: Flask, reviewer: FlaskClient) -> None:
    oldest, _decided, newest = (
        add(app, 5, opened_at=START.replace(hour=1))[0],
        add(app, 5, opened_at=START.replace(hour=2), state="decided")[0],
        add(app, 500, opened_at=START.replace(hour=3))[0],
    )
    reviewer.get("/cases?sort=age")
    assert leaf(reviewer, oldest, "next") == f"/cases/{newest}"
    assert "sort=age" in leaf(reviewer, newest, "next")


def test_a_case_that_is_no_longer_in_the_queue_has_its_place_in_it(app: Flask, reviewer: FlaskClient) -> None:
    first, last = add(app, 300, 100)
    decided = add(app, 200, state="decided")[0]
    assert leaf(reviewer, decided, "next") == f"/cases/{last}"
    assert leaf(reviewer, decided, "previous") == f"/cases/{first}"
    assert reviewer.get("/cases/99/next").status_code == 404
