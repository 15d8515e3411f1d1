"""The queue's search box: a domain, a package or an e-mail address. A form, so that no address is ever in a URL."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, current_app, flash, make_response, redirect, request, url_for

from dashboard.audit.events import Event
from dashboard.audit.record import record, subject
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.queries.queue import QueueFilters
from dashboard.queries.queue.filters import is_mail_address
from dashboard.queries.search import accounts_of, meant
from dashboard.web.filters import page_now
from dashboard.web.views import address_of

blueprint = Blueprint("search", __name__)


@blueprint.post("/cases/search")
@requires(Permission.CASES_READ)
def search() -> Response:
    """Go to what was meant: the account of an address by its id, or the queue by domain or package."""
    typed = request.form.get("text", "")
    if is_mail_address(typed) or ("@" in typed[1:] and not typed.startswith(("pkg:", "@"))):
        return _to_accounts(look_up(typed.strip()))
    filters = meant(db.session(), typed)
    if filters is None:
        flash("Type a domain, a package or an e-mail address.", "error")
    return _to_queue(filters or QueueFilters())


def look_up(address: str) -> Sequence[int]:
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


def _to_accounts(ids: Sequence[int]) -> Response:
    if not ids:
        flash("No account of any source has this address.", "error")
        return _to_queue(QueueFilters())
    if len(ids) == 1 and "accounts.show" in current_app.view_functions:
        return make_response(redirect(url_for("accounts.show", account_id=ids[0]), 303))
    return _to_queue(QueueFilters(state=None, account_ids=tuple(ids)))


def _to_queue(filters: QueueFilters) -> Response:
    return make_response(redirect(address_of(filters), 303))
