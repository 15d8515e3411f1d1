"""Every monitored domain: search by the start of the name, and one domain's page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.lifecycle.assessment import HolderChange
from dashboard.models import Case, Domain
from dashboard.queries.affected import affected_accounts
from dashboard.queries.dependencies import dependencies
from dashboard.queries.domains import (
    DomainFilters,
    address_counts,
    case_of,
    domain_count,
    domain_page,
    find_domain,
    search_text,
)
from dashboard.queries.evidence import domain_evidence
from dashboard.queries.history import domain_history
from dashboard.queue import JobName, enqueue
from dashboard.services.allow_list.ask import coverage
from dashboard.services.checking.request import request_check
from dashboard.web.case_page import MAX_OFFSET
from dashboard.web.comparison import compare
from dashboard.web.filters import page_now
from dashboard.web.pictures import close_up, timeline_picture
from dashboard.web.requests import number, text, wants_fragment

blueprint = Blueprint("domains", __name__)
_HANDED_OVER = {HolderChange.DROPPED_AND_CAUGHT, HolderChange.SOLD}


@blueprint.get("/domains")
@requires(Permission.DOMAINS_READ)
def index() -> Response | Redirect:
    """List the domains whose name starts with what was typed."""
    session = db.session()
    typed = text("q")
    prefix = search_text(typed)
    overdue = text("overdue") == "1"
    if "@" in typed:  # a pasted e-mail address must not stay in addresses and histories
        return redirect(url_for("domains.index", q=prefix or None, overdue="1" if overdue else None), 303)
    relies_on = search_text(text("relies_on"))
    filters = DomainFilters(prefix, page_now() if overdue else None, relies_on)
    page = domain_page(session, filters, after=text("after") or None, before=text("before") or None)
    shown: dict[str, Any] = {
        "q": prefix or None,
        "overdue": "1" if overdue else None,
        "relies_on": relies_on or None,
    }
    return make_response(
        render_template(
            "domains/_table.html" if wants_fragment() else "domains/index.html",
            page=page,
            typed=typed,
            prefix=prefix,
            overdue=overdue,
            relies_on=relies_on,
            count=domain_count(session, filters),
            next_url=url_for("domains.index", **shown, after=page.next) if page.next else None,
            previous_url=url_for("domains.index", **shown, before=page.previous) if page.previous else None,
            first_url=url_for("domains.index", **shown),
        )
    )


@blueprint.get("/domains/<name>")
@requires(Permission.DOMAINS_READ)
def show(name: str) -> Response | Redirect:
    """Show one domain: the same timeline, evidence and accounts as its case, if it has one."""
    canonical = search_text(name)
    if canonical != name:
        return redirect(url_for("domains.show", name=canonical), 301)
    session, now = db.session(), page_now()
    domain = find_domain(session, name)
    if domain is None:
        abort(404)
    case = case_of(session, domain.id)
    since = _since(domain, case, now)
    evidence = domain_evidence(session, domain.id)
    history = domain_history(session, domain, since)
    return make_response(
        render_template(
            "domains/show.html",
            domain=domain,
            case=case,
            since=since,
            counts=address_counts(session, domain.id),
            cover=coverage(session, [domain.id], now).get(domain.id),
            dependencies=dependencies(session, domain.id),
            picture=timeline_picture(history, now),
            close_up=close_up(history, now),
            evidence=evidence,
            facts=compare(evidence.latest),
            affected=affected_accounts(session, domain.id, since, min(number("accounts") or 0, MAX_OFFSET)),
            accounts_url=url_for("domains.show", name=name),
        )
    )


@blueprint.post("/domains/<name>/check")
@requires(Permission.DOMAINS_CHECK)
def check(name: str) -> Redirect:
    """Have the domain checked now."""
    with writing() as session:
        if not request_check(session, name, current_identity().actor, page_now()):
            abort(404)
    enqueue(JobName.SWEEP, unique="sweep")
    flash(f"{name} will be checked within moments. Open this page again to see what the providers said.", "success")
    return redirect(url_for("domains.show", name=name), 303)


def _since(domain: Domain, case: Case | None, now: datetime) -> datetime:
    """Return since when the accounts' events matter: the catch, the lapse, the flagging or the first sight."""
    if domain.holder_change in _HANDED_OVER and domain.registered_at:
        return domain.registered_at
    if domain.expires_at and domain.expires_at < now:
        return domain.expires_at
    return case.opened_at if case else domain.created_at
