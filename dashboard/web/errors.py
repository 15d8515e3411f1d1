"""Error pages in plain words: what failed, what is unharmed, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one error page."""

    title: str
    happened: str
    next_step: str


NOTHING_CHANGED = "Nothing was changed."
ERRORS = {
    400: Words(
        "That request could not be understood",
        f"A part of the address or of the form is missing or not what it should be. {NOTHING_CHANGED}",
        "Go back, correct it and try again.",
    ),
    401: Words(
        "Sign in first",
        f"You are not signed in, or your session has ended. {NOTHING_CHANGED}",
        "Sign in, then open the page again.",
    ),
    403: Words(
        "Your role does not allow this",
        f"{NOTHING_CHANGED} The attempt is in the audit log.",
        "Ask an admin if you need to do this.",
    ),
    404: Words(
        "There is nothing at this address",
        "The page, case or domain does not exist, or not any more.",
        "Check the address, or look it up in the queue or among the domains.",
    ),
    405: Words(
        "This address does not take that kind of request",
        NOTHING_CHANGED,
        "Go back and use the page's own links and buttons.",
    ),
    409: Words(
        "Somebody was faster",
        f"What you saw has changed since you opened it. {NOTHING_CHANGED}",
        "Open it again and decide on what stands there now.",
    ),
    413: Words("That is too much at once", f"The request is too large. {NOTHING_CHANGED}", "Send less."),
    422: Words(
        "Some of what you entered cannot be used",
        NOTHING_CHANGED,
        "Go back, correct it and send it again.",
    ),
    429: Words(
        "Too many attempts",
        f"For safety, attempts are limited for a while. {NOTHING_CHANGED}",
        "Wait some minutes, then try again.",
    ),
    500: Words(
        "Something failed on our side",
        "What you were doing was not saved. What was saved before is unharmed.",
        "Try again. If it fails again, tell whoever runs this console, and at what time.",
    ),
    503: Words(
        "Not available for the moment",
        "A part that this page needs does not answer. What was saved before is unharmed.",
        "Try again in a minute.",
    ),
}
EXPIRED_FORM = Words(
    "The form was no longer valid",
    f"Its mark against forgery did not match: the session ended, or cookies are switched off. {NOTHING_CHANGED}",
    "Go back, load the page again and send the form once more.",
)


def init_errors(app: Flask) -> None:
    """Answer every HTTP error and every fault with a page of ours (JSON below /api/)."""
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(InternalServerError, answer_http_error)


def answer_http_error(error: HTTPException) -> Response | HTTPException:
    """Turn `error` into its page; redirects pass as they are."""
    code = error.code or 500
    if code < 400:
        return error
    words = EXPIRED_FORM if isinstance(error, CSRFError) else ERRORS.get(code, ERRORS[400 if code < 500 else 500])
    if request.path.startswith("/api/"):
        body = jsonify(status=code, detail=words.title)
        body.mimetype = "application/problem+json"  # RFC 9457, as the API's own views answer
    else:
        body = make_response(render_template("errors/error.html", code=code, words=words))
    body.status_code = code
    body.headers.extend((name, value) for name, value in error.get_headers() if name in {"Retry-After", "Allow"})
    return body
