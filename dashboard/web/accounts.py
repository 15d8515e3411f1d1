"""Accounts for support: search by a form, and one account with what happened to its addresses, and why."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for

from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.queries.accounts import account_page, accounts_called, found_accounts
from dashboard.queries.queue.filters import is_mail_address
from dashboard.web.account_words import letter, tell
from dashboard.web.requests import ROW_ID
from dashboard.web.search import look_up

blueprint = Blueprint("accounts", __name__)
LONGEST = 320


@blueprint.get("/accounts")
@requires(Permission.ACCOUNTS_READ)
def index() -> str:
    """Show the search."""
    return render_template("accounts/index.html", found=None)


@blueprint.post("/accounts/search")
@requires(Permission.ACCOUNTS_READ)
def search() -> Response:
    """Go to the account with this name, id or e-mail address; a form, so that no address is ever in a URL."""
    typed = request.form.get("text", "").strip()[:LONGEST]
    if not typed or not typed.isprintable():
        flash("Type a name, an id or an e-mail address.", "error")
        return make_response(redirect(url_for("accounts.index"), 303))
    ids = look_up(typed) if is_mail_address(typed) else accounts_called(db.session(), typed)
    if len(ids) == 1:
        return make_response(redirect(url_for("accounts.show", account_id=ids[0]), 303))
    return make_response(render_template("accounts/index.html", found=found_accounts(db.session(), ids)))


@blueprint.get(f"/accounts/<{ROW_ID}:account_id>")
@requires(Permission.ACCOUNTS_READ)
def show(account_id: int) -> Response:
    """Show one account."""
    page = account_page(db.session(), account_id)
    if page is None:
        abort(404)
    told = tell(page)
    return make_response(render_template("accounts/show.html", account=page, told=told, letter=letter(page, told)))
