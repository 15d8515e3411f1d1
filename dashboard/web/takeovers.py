"""Report a takeover: choose the accounts, say why, tell their sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Case
from dashboard.queries.affected import AffectedAccount, affected_accounts
from dashboard.queue import JobName, enqueue
from dashboard.services.cases.judge import judge
from dashboard.services.policy.versions import current
from dashboard.services.takeover import (
    TakeoverRefusal,
    TakeoverRequest,
    TakeoverResult,
    report_takeover,
    reportable,
)
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, form_number, required_number, row_ids

blueprint = Blueprint("takeovers", __name__)
MAX_ACCOUNTS = 100
SIGNS = {"password_reset", "password_reset_requested", "email_changed", "two_factor_changed"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that can be named; `suspicious`: it released, or its credentials changed, since the lapse."""

    account: AffectedAccount
    addresses: int
    suspicious: bool


@dataclass(frozen=True, slots=True)
class TakeoverPage:
    """What the template draws; `more` accounts are not listed and can only be named with all."""

    case: Case
    since: datetime
    since_known: bool
    candidates: Sequence[Candidate]
    addresses: int
    accounts: int
    more: int
    type_above: int


@dataclass(frozen=True, slots=True)
class FormState:
    """The form as it was sent, shown again with what is wrong with which field."""

    request: TakeoverRequest
    field: str
    message: str


@blueprint.get(f"/cases/<{ROW_ID}:case_id>/takeover")
@requires(Permission.TAKEOVERS_REPORT)
def form(case_id: int) -> str:
    """Show the accounts that can be named."""
    return render_template("cases/takeover.html", page=_page(db.session(), case_id, page_now()), form=None)


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/takeover/report")
@requires(Permission.TAKEOVERS_REPORT)
def create(case_id: int) -> Response:
    """Report; 409 when somebody was faster, 422 when the form cannot be used."""
    asked = _read(case_id)
    identity, now = current_identity(), page_now()
    try:
        with writing() as session:
            result = report_takeover(session, asked, identity.actor, identity.staff_id, now)
    except LookupError:
        abort(404)
    if result.refusal is TakeoverRefusal.CONFLICT:
        return make_response(render_template("cases/conflict.html", case_id=case_id, conflict=result.conflict), 409)
    if result.refusal is not None:
        page = _page(db.session(), case_id, now)
        state = FormState(asked, *_error(asked, result))
        return make_response(render_template("cases/takeover.html", page=page, form=state), 422)
    enqueue(JobName.PUBLISH, unique="publish")
    flash(_done(result), "success")
    return make_response(redirect(url_for("cases.show", case_id=case_id, _anchor="takeovers"), 303))


def _page(session: Session, case_id: int, now: datetime) -> TakeoverPage:
    case = session.get(Case, case_id)
    if case is None:
        abort(404)
    lapse = judge(session, case.domain_id, now).assessment.lapsed_at
    since = lapse or case.opened_at
    addresses = Counter(row.account_id for row in reportable(session, case.domain_id))
    found = affected_accounts(session, case.domain_id, since, size=MAX_ACCOUNTS).accounts
    candidates = _candidates(found, addresses, since)
    return TakeoverPage(
        case=case,
        since=since,
        since_known=lapse is not None,
        candidates=candidates,
        addresses=addresses.total(),
        accounts=len(addresses),
        more=len(addresses) - len(candidates),
        type_above=current(session).type_above,
    )


def _candidates(found: Sequence[AffectedAccount], addresses: Mapping[int, int], since: datetime) -> list[Candidate]:
    """Pair accounts with how many of their addresses can be named, the suspicious ones first."""
    named = [
        Candidate(account, addresses[account.id], _is_suspicious(account, since))
        for account in found
        if addresses.get(account.id)
    ]
    return sorted(named, key=lambda candidate: not candidate.suspicious)


def _is_suspicious(account: AffectedAccount, since: datetime) -> bool:
    released = any(package.last_release_at and package.last_release_at > since for package in account.packages)
    return released or any(event.kind in SIGNS for event in account.events)


def _read(case_id: int) -> TakeoverRequest:
    """Read the form; what no form of ours can send is a 400."""
    whom = request.form.get("whom", "")
    if whom not in {"all", "chosen"}:
        abort(400)
    chosen = tuple(row_ids(request.form.getlist("account"))) if whom == "chosen" else None
    return TakeoverRequest(
        case_id=case_id,
        version=required_number("version"),
        note=request.form.get("note", "").replace("\r\n", "\n").replace("\0", ""),
        account_ids=chosen,
        shown_count=required_number("shown_count"),
        typed_count=form_number("typed_count"),
    )


def _error(asked: TakeoverRequest, result: TakeoverResult) -> tuple[str, str]:
    """Put a refusal into words, at the field where it can be mended."""
    errors = {
        TakeoverRefusal.NOBODY: ("whom", "Tick at least one account, or choose all."),
        TakeoverRefusal.NOTE_REQUIRED: ("note", "Write a note: what makes you think so?"),
        TakeoverRefusal.COUNT_MISMATCH: (
            "typed_count",
            f"Type the number of addresses that the source will be told of: {result.addresses:,}.",
        ),
        TakeoverRefusal.COUNT_CHANGED: (
            "form",
            f"The number of addresses is no longer {asked.shown_count or 0:,}. Nothing was reported: look again.",
        ),
    }
    return errors.get(result.refusal or TakeoverRefusal.CONFLICT, ("form", "This cannot be reported."))


def _done(result: TakeoverResult) -> Markup:
    addresses = f"{result.addresses:,} address{'' if result.addresses == 1 else 'es'}"
    accounts = f"{result.accounts:,} account{'' if result.accounts == 1 else 's'}"
    return Markup("Takeover reported: {} of {}. The source is being told; nothing was un-verified by it.").format(
        addresses, accounts
    )
