"""Claims on the case page and in the queue: claim, renew, give back, take over, and who has what at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for

from dashboard.auth.guard import safe_local_path
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Case, CaseState
from dashboard.runtime import wall_now
from dashboard.services.claims import (
    LEASE,
    LEAVING,
    Holder,
    Outcome,
    Worker,
    case_and_holder,
    claim,
    holders,
    release,
    renew,
)
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, row_ids, wants_fragment

blueprint = Blueprint("claims", __name__)
NEARLY_OVER = LEASE - timedelta(minutes=1)
"""A holder who opens the page anew gets the whole lease again when so much or less is left of it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the case page shows of who works on the case."""

    case_id: int
    version: int
    is_open: bool
    holder: Holder | None
    mine: bool
    wall_now: datetime

    @property
    def minutes_left(self) -> int:
        """Whole minutes until the claim ends by itself."""
        return 0 if self.holder is None else int((self.holder.expires_at - self.wall_now) / timedelta(minutes=1))

    @property
    def seen(self) -> str:
        """What a poll compares: whose claim it is, since when."""
        return "-" if self.holder is None else f"{self.holder.staff_id}.{self.holder.claimed_at:%Y%m%dT%H%M%S}"


def desk_of(case_id: int, *, keep: bool = False) -> tuple[Case, Desk]:
    """Return a case and who works on it; 404 where there is none.

    `keep`: one's own claim is renewed when it is nearly over, because opening the page is work on the case, like a
    session's last visit.
    """
    identity, now = current_identity(), wall_now()
    found = case_and_holder(db.session(), case_id, now)
    if found is None:
        abort(404)
    case, holder = found
    mine = holder is not None and holder.staff_id == identity.staff_id
    if keep and mine and holder is not None and holder.expires_at - now <= NEARLY_OVER:
        with writing() as session:
            renew(session, case_id, identity.staff_id, now)
        return desk_of(case_id)
    return case, Desk(case.id, case.version, case.state == CaseState.OPEN, holder, mine, now)


def worker() -> Worker:
    """Return who is asking, by both clocks."""
    identity = current_identity()
    return Worker(identity.actor, identity.staff_id, page_now(), wall_now())


@blueprint.get(f"/cases/<{ROW_ID}:case_id>/claim")
@requires(Permission.CASES_READ, polled=True)
def show(case_id: int) -> Response:
    """Show who works on a case; 204 when that is what the page says already."""
    desk = _desk(case_id)
    if desk.seen == request.args.get("seen"):
        return make_response("", 204)
    return make_response(render_template("cases/_claim_box.html", desk=desk))


@blueprint.get("/cases/claims")
@requires(Permission.CASES_READ, polled=True)
def index() -> Response:
    """Show who works on the cases of one page of the queue."""
    ids, now = row_ids(request.args.getlist("case_id")), wall_now()
    return make_response(render_template("cases/_claims.html", case_ids=ids, claims=holders(db.session(), ids, now)))


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/claim")
@requires(Permission.CASES_DECIDE)
def create(case_id: int) -> Response:
    """Claim a case, or renew the claim; 409 when somebody else has it."""
    return _claim(case_id, take_over=False)


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/claim/take-over")
@requires(Permission.CASES_TAKE_OVER)
def take_over(case_id: int) -> Response:
    """Take a case from whoever has it."""
    return _claim(case_id, take_over=True)


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/claim/release")
@requires(Permission.CASES_DECIDE)
def give_back(case_id: int) -> Response:
    """Give a case back."""
    try:
        with writing() as session:
            release(session, case_id, worker())
    except LookupError:
        abort(404)
    return _answer(case_id)


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/claim/renew")
@requires(Permission.CASES_DECIDE)
def prolong(case_id: int) -> Response:
    """Renew one's own claim while working on the page; when it is gone, show what is there instead."""
    with writing() as session:
        if renew(session, case_id, current_identity().staff_id, wall_now()):
            return make_response("", 204)
    response = _answer(case_id)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#claim", "outerHTML"
    return response


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/claim/leave")
@requires(Permission.CASES_DECIDE)
def leave(case_id: int) -> Response:
    """Let one's own claim run out soon: its page was left, perhaps only for the next of the same case."""
    with writing() as session:
        renew(session, case_id, current_identity().staff_id, wall_now(), lease=LEAVING)
    return make_response("", 204)


def _claim(case_id: int, *, take_over: bool) -> Response:
    try:
        with writing() as session:
            outcome = claim(session, case_id, worker(), take_over=take_over)
    except LookupError:
        abort(404)
    if outcome is Outcome.HELD and not wants_fragment():
        return held_page(case_id)
    if outcome is Outcome.NOT_OPEN:
        abort(409)
    return _answer(case_id)


def held_page(case_id: int, holder: Holder | None = None) -> Response:
    """Answer 409: somebody else works on the case, and until when."""
    holder = holder or holders(db.session(), [case_id], wall_now()).get(case_id)
    return make_response(render_template("cases/held.html", case_id=case_id, holder=holder), 409)


def _answer(case_id: int) -> Response:
    """Show the new state: the fragment to htmx, else the page that was asked from."""
    if wants_fragment():
        return make_response(render_template("cases/_claim_box.html", desk=_desk(case_id)))
    target = safe_local_path(request.form.get("return_to"))
    if target == "/":
        target = url_for("cases.show", case_id=case_id)
    else:
        desk = _desk(case_id)
        flash(f"You work on case {case_id} now." if desk.mine else f"Case {case_id} is free again.", "success")
    return make_response(redirect(target, 303))


def _desk(case_id: int) -> Desk:
    return desk_of(case_id)[1]
