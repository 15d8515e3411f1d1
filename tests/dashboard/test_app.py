"""What holds for the application as a whole: how much it reads, and what its log tells of a fault."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from sqlalchemy import text

from dashboard.app import MAX_BODY
from dashboard.auth.identity import public
from dashboard.database import db


def test_a_fault_is_logged_by_kind_and_place_alone(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_name: str) -> str:
        raise ValueError("ann@people.example")

    app.add_url_rule("/faults/<_name>", view_func=public(fail), endpoint="fault")
    app.testing = False
    with caplog.at_level(logging.ERROR):
        assert app.test_client().get("/faults/x%0aFAKE%1b[31m").status_code == 500
    (message,) = [record.getMessage() for record in caplog.records if record.name == app.logger.name]
    assert message.startswith("ValueError in fault: fail (")
    assert not any(part in message for part in ("FAKE", "people", "\x1b", "\n"))
    assert "ann@" not in caplog.text


def test_a_failing_statement_does_not_repeat_its_values(context: Flask) -> None:
    with pytest.raises(Exception, match="no_such_table") as failed:
        db.session.execute(text("SELECT 1 FROM no_such_table WHERE email = :email"), {"email": "ann@people.example"})
    assert "ann@" not in str(failed.value)


def test_a_form_without_end_is_not_read(app: Flask) -> None:
    reply = app.test_client().post(
        "/sign-in", data=b"x" * (MAX_BODY + 1), content_type="multipart/form-data; boundary=b"
    )
    assert reply.status_code == 413
