"""Accounts for support: search by a form, and one account with what happened to its addresses, and why."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for

from dashboard.audit.events import Event
from dashboard.audit.record import record, subject
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.queries.accounts import account_page, accounts_called, found_accounts
from dashboard.queries.queue.filters import is_mail_address
from dashboard.queries.search import accounts_of
from dashboard.web.account_words import letter, tell
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID

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
    ids = _by_address(typed) if is_mail_address(typed) else accounts_called(db.session(), typed)
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


def _by_address(address: str) -> Sequence[int]:
    """Find the accounts of an address; that somebody looked is in the audit log, under the address's digest."""
    identity = current_identity()
    with writing() as session:
        found = accounts_of(session, address)
        record(
            session,
            Event.ADDRESS_SEARCHED,
            actor=identity.actor,
            object_type="staff",
            object_id=str(identity.staff_id),
            data={"accounts": len(found)},
            now=page_now(),
            subjects=[subject("email", address.lower())],
        )
    return found
