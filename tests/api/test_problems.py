"""Whatever goes wrong below /api/ is told in one form."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/unverifications", 405),
        ("GET", "/api/v1/unverifications", 401),
    ],
)
def test_every_error_of_the_api_is_a_problem_that_says_its_status(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    reply = client.open(path, method=method)
    assert (reply.status_code, reply.mimetype) == (status, "application/problem+json")
    assert reply.get_json()["status"] == status
    assert reply.get_json()["detail"]
