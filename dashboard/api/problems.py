"""Errors of the API, as JSON that says what is wrong and where."""

from __future__ import annotations

from flask import Flask, Response, jsonify


class Problem(Exception):  # noqa: N818  RFC 9457's word
    """A request that cannot be served; `status` is the HTTP status, `detail` what is wrong."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem_response(problem: Problem) -> Response:
    """Render a problem as `application/problem+json` (RFC 9457)."""
    response = jsonify(status=problem.status, detail=problem.detail)
    response.status_code = problem.status
    response.mimetype = "application/problem+json"
    return response


def catch_problems(app: Flask) -> None:
    """Have problems answered as JSON."""
    app.register_error_handler(Problem, problem_response)
