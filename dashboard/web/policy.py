"""The policy: its values, what others would have done with the last 90 days, and how it came to be as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.lifecycle.dry_run import DAYS, DryRun, Recorded, dry_run, is_looser
from dashboard.lifecycle.policy import Policy, differences
from dashboard.queries.dry_run import recorded_history
from dashboard.queries.policy import in_force_since, versions
from dashboard.services.automatic import standing
from dashboard.services.policy import change, current
from dashboard.services.policy.versions import MAX_NOTE, Changed
from dashboard.web.filters import page_now
from dashboard.web.policy_form import Form, filled, read
from dashboard.web.policy_settings import SECTIONS, SETTINGS, TITLES
from dashboard.web.requests import required_number

blueprint = Blueprint("policy", __name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """What other values would have done, beside those in force; `is_hidden`: some of it is not on record."""

    policy: Policy
    changes: dict[str, tuple[Any, Any]]
    tried: DryRun
    in_force: DryRun
    history: Recorded
    is_hidden: bool


@blueprint.get("/settings/policy")
@requires(Permission.POLICY_MANAGE)
def index() -> str:
    """Show the values in force and the history of versions."""
    return _page(filled(current(db.session())))


@blueprint.get("/settings/policy/dry-run")
@requires(Permission.POLICY_MANAGE)
def try_out() -> Response:
    """Show what the values in the address would have done with the last 90 days; nothing is changed."""
    wanted, form = read(request.args)
    if form.errors:
        return make_response(_page(form), 422)
    return make_response(_page(form, _try(db.session(), wanted, page_now())))


def _try(session: Session, wanted: Policy, now: datetime) -> Trial:
    before, history = current(session), recorded_history(session, now)
    return Trial(
        policy=wanted,
        changes=differences(before, wanted),
        tried=dry_run(wanted, history),
        in_force=dry_run(before, history),
        history=history,
        is_hidden=any(is_looser(wanted, then) for then in in_force_since(session, history.since)),
    )


@blueprint.post("/settings/policy")
@requires(Permission.POLICY_MANAGE)
def update() -> Response:
    """Put a new version in force; 409 when somebody else has done so first, 422 when it cannot be used."""
    expected, identity = required_number("version"), current_identity()
    wanted, form = read(request.form)
    if form.errors:
        return make_response(_page(form), 422)
    note = form.note.replace("\r\n", "\n").replace("\0", "")
    with writing() as session:
        done = change(session, wanted, note, identity.actor, identity.staff_id, page_now(), expected_version=expected)
    if done.done:
        flash(f"Version {done.policy.version} of the policy is in force.", "success")
        return make_response(redirect(url_for("policy.index"), 303))
    return _not_done(done, wanted, form)


def _not_done(done: Changed, wanted: Policy, form: Form) -> Response:
    if done.unchanged:
        flash("These values are in force already. Nothing was changed.", "warning")
        return make_response(redirect(url_for("policy.index"), 303))
    trial = _try(db.session(), wanted, page_now())
    again = replace(form, errors=done.problems)
    return make_response(_page(again, trial, conflict=done.conflict), 409 if done.conflict else 422)


def _page(form: Form, trial: Trial | None = None, *, conflict: bool = False) -> str:
    session = db.session()
    in_force = current(session)
    return render_template(
        "settings/policy.html",
        form=form,
        trial=trial,
        conflict=conflict,
        in_force=in_force,
        versions=versions(session),
        sections=SECTIONS,
        settings=SETTINGS,
        titles=TITLES,
        standing=standing(session, in_force, page_now()),
        days=DAYS,
        max_note=MAX_NOTE,
    )
