"""Join the screens to the application: blueprints, filters, headers, error pages, and what every page needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, request

from dashboard.auth.identity import maybe_identity
from dashboard.auth.permissions import Permission
from dashboard.web import (
    audit,
    brakes,
    bulk,
    bulk_steps,
    cases,
    claims,
    decisions,
    domains,
    evidence,
    me,
    notes,
    overview,
    policy,
    providers,
    reasons,
    search,
    set_aside,
    sign_in,
    statistics,
    takeovers,
    undo,
    views,
)
from dashboard.web.errors import init_errors
from dashboard.web.filters import init_filters
from dashboard.web.headers import HTMX_CONFIG, init_headers
from dashboard.web.reveal import init_reveal
from dashboard.web.support import SUPPORT

TRIAGE = (cases, claims, set_aside, search, decisions, undo, notes, takeovers, views, me)
BULK = (bulk, bulk_steps)
ADMINS = (brakes, policy, reasons, providers)
SCREENS = (sign_in, overview, *TRIAGE, *BULK, domains, evidence, statistics, audit, *ADMINS)


@dataclass(frozen=True, slots=True)
class Screen:
    """An entry of the main navigation; `blueprints` are those that count as being there."""

    label: str
    path: str
    permission: Permission
    blueprints: tuple[str, ...]


NAVIGATION = (
    Screen("Overview", "/", Permission.OVERVIEW_READ, ("overview",)),
    Screen("Cases", "/cases", Permission.CASES_READ, tuple(each.blueprint.name for each in TRIAGE if each is not me)),
    Screen("Bulk actions", "/bulk-actions", Permission.BULK_READ, ("bulk", "bulk_steps")),
    Screen("Domains", "/domains", Permission.DOMAINS_READ, ("domains",)),
    Screen("Accounts", "/accounts", Permission.ACCOUNTS_READ, ("accounts", "reveal")),
    Screen("Allow-list", "/allow-list", Permission.ALLOW_LIST_READ, ("allow_list",)),
    Screen("Statistics", "/statistics", Permission.STATISTICS_READ, ("statistics",)),
    Screen("Audit log", "/audit", Permission.AUDIT_READ, ("audit",)),
)
SETTINGS = (
    Screen("Brakes", "/settings/brakes", Permission.BRAKES_MANAGE, ("brakes",)),
    Screen("Policy", "/settings/policy", Permission.POLICY_MANAGE, ("policy",)),
    Screen("Reasons", "/settings/reasons", Permission.REASONS_MANAGE, ("reasons",)),
    Screen("Providers", "/settings/providers", Permission.PROVIDERS_READ, ("providers",)),
)
"""Behind one entry of the main navigation, with a navigation of their own."""


def init_web(app: Flask) -> None:
    """Register everything that staff see; called once by `create_app`."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["htmx_config"] = HTMX_CONFIG
    app.context_processor(navigation)
    app.context_processor(bulk.running_note)
    init_filters(app)
    init_headers(app)
    init_errors(app)
    init_reveal(app)
    for screen in (*SCREENS, *SUPPORT):
        app.register_blueprint(screen.blueprint)


def navigation() -> dict[str, Any]:
    """Give every page its navigation: what the person's role may see, the settings in a row of their own."""
    items, settings = _shown(NAVIGATION), _shown(SETTINGS)
    inside = any(item["current"] for item in settings)
    if settings:
        items.append({"label": "Settings", "path": settings[0]["path"], "current": inside})
    return {"navigation": items, "settings_navigation": settings if inside else []}


def _shown(screens: Sequence[Screen]) -> list[dict[str, Any]]:
    identity = maybe_identity()
    return [
        {"label": screen.label, "path": screen.path, "current": request.blueprint in screen.blueprints}
        for screen in screens
        if identity is not None and identity.may(screen.permission)
    ]
