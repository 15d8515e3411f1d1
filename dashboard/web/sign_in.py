"""Sign-in, sign-out, and the first start's set-up."""

from __future__ import annotations

import math
from datetime import timedelta

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response as BaseResponse

from dashboard import runtime
from dashboard.auth import attempts, sessions
from dashboard.auth.guard import safe_local_path
from dashboard.auth.identity import maybe_identity, public
from dashboard.auth.passwords import MIN_LENGTH
from dashboard.auth.setup import SetupProblem, is_needed
from dashboard.auth.staff import StaffProblem
from dashboard.database import db

blueprint = Blueprint("sign_in", __name__)

WRONG = "The e-mail address and the password do not belong together."
FIELD_OF = {
    SetupProblem.WRONG_CODE: "code",
    StaffProblem.NOT_AN_EMAIL: "email",
    StaffProblem.EMAIL_TAKEN: "email",
    StaffProblem.PASSWORD_LENGTH: "password",
}


@blueprint.get("/sign-in")
@public
def form() -> BaseResponse:
    """Ask for e-mail address and password; the first start leads to set-up instead."""
    if maybe_identity():
        return redirect(_next(), 303)
    if is_needed(db.session()):
        return redirect("/setup", 303)
    return _sign_in_page({}, 200)


@blueprint.post("/sign-in")
@public
def submit() -> BaseResponse:
    """Sign in and go where the person wanted to go."""
    result = attempts.sign_in(
        request.form.get("email", ""),
        request.form.get("password", ""),
        network=request.remote_addr,
        now=runtime.wall_now(),
        old_token=_token(),
    )
    if result.wait:
        return _too_many(_sign_in_page({"email": _wait_words(result.wait)}, 429), result.wait)
    if result.token is None:
        return _sign_in_page({"email": WRONG}, 422)
    return _signed_in(result.token, _next())


@blueprint.post("/sign-out")
@public
def sign_out() -> BaseResponse:
    """End the session; without one there is nothing to end."""
    identity, token = maybe_identity(), _token()
    if identity and token:
        attempts.sign_out(identity, token, runtime.wall_now())
    response = redirect("/sign-in", 303)
    sessions.clear_cookie(response)
    _new_form_token()
    return response


@blueprint.get("/setup")
@public
def setup_form() -> BaseResponse:
    """Ask for the setup code and the first admin, while there is no staff."""
    if not is_needed(db.session()):
        return redirect("/sign-in", 303)
    return _setup_page({}, 200)


@blueprint.post("/setup")
@public
def setup() -> BaseResponse:
    """Make the first admin and sign them in."""
    result = attempts.set_up(
        request.form.get("code", ""),
        request.form.get("email", ""),
        request.form.get("password", ""),
        network=request.remote_addr,
        now=runtime.wall_now(),
    )
    if result.token:
        return _signed_in(result.token, "/")
    if result.wait:
        return _too_many(_setup_page({"code": _wait_words(result.wait)}, 429), result.wait)
    if result.problem is None or result.problem is SetupProblem.DONE:
        return redirect("/sign-in", 303)
    return _setup_page({FIELD_OF[result.problem]: result.problem.value}, 422)


def _signed_in(token: str, target: str) -> BaseResponse:
    response = redirect(target, 303)
    sessions.set_cookie(response, token)
    _new_form_token()
    return response


def _new_form_token() -> None:
    """Forget the CSRF token of before: whoever knew it must not know that of the new session."""
    session.clear()
    g.pop("csrf_token", None)


def _token() -> str | None:
    return request.cookies.get(sessions.cookie_name())


def _next() -> str:
    return safe_local_path(request.values.get("next"))


def _sign_in_page(errors: dict[str, str], status: int) -> Response:
    email = request.form.get("email", "")
    page = render_template("sign_in/sign_in.html", errors=errors, email=email, next=_next())
    return make_response(page, status)


def _setup_page(errors: dict[str, str], status: int) -> Response:
    kept = {"code": request.form.get("code", ""), "email": request.form.get("email", "")}
    return make_response(render_template("sign_in/setup.html", errors=errors, **kept, min_length=MIN_LENGTH), status)


def _too_many(response: Response, wait: timedelta) -> Response:
    response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
    return response


def _wait_words(wait: timedelta) -> str:
    minutes = math.ceil(wait.total_seconds() / 60)
    return f"There were too many attempts. Try again in {minutes} minute{'' if minutes == 1 else 's'}."
