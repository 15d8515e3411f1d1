"""Bulk actions: the list of them, one of them at every point of its life, its cases, its result as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from sqlalchemy import Row

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.auth.identity import current_identity, maybe_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.lifecycle.policy import Policy
from dashboard.lifecycle.spreadsheets import neutral_cell
from dashboard.models import BulkAction, BulkKind, BulkState, DecisionKind, ItemState
from dashboard.queries import bulk as query
from dashboard.runtime import wall_now
from dashboard.services.bulk.judging import Why, policy_of
from dashboard.services.bulk.limits import stage_end
from dashboard.services.cases.reasons import Reason, choices
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, choice, wants_fragment

blueprint = Blueprint("bulk", __name__)
RUNNING = {BulkState.PREPARING, BulkState.RUNNING}
ENDED = {BulkState.COMPLETED, BulkState.CANCELLED, BulkState.ABORTED}
STATES = tuple(state.value for state in ItemState)
REASON_CODES = tuple(why.value for why in Why)


@dataclass(frozen=True, slots=True)
class BulkPage:
    """What the page of one bulk action shows; what does not belong to its state is empty."""

    bulk: BulkAction
    policy: Policy
    is_author: bool
    has_worker: bool
    expires_in: int
    changed_since: int
    judged: int
    accounts: Sequence[query.HighProfile]
    skipped: dict[str, int]
    effects: dict[str, int]
    reverts: Sequence[Row[int, str]]

    @property
    def state(self) -> BulkState:
        """Where it stands."""
        return BulkState(self.bulk.state)

    @property
    def expired(self) -> bool:
        """Whether it waited too long for somebody's word."""
        return self.expires_in <= 0 and self.state in {BulkState.PREVIEWED, BulkState.AWAITING_SECOND}

    @property
    def is_working(self) -> bool:
        """Whether the page must look again by itself."""
        return self.state in RUNNING

    @property
    def must_type(self) -> bool:
        """Whether the number of addresses must be typed."""
        return self.bulk.addresses > self.policy.type_above

    @property
    def reasons(self) -> Sequence[Reason]:
        """The reasons to choose from."""
        return () if self.bulk.kind == BulkKind.REVERT else choices(db.session(), DecisionKind(self.bulk.kind))

    @property
    def handled(self) -> int:
        """How many cases are behind it."""
        return self.bulk.done_items + self.bulk.skipped_items + self.bulk.failed_items

    @property
    def rate(self) -> int:
        """Addresses a second while it worked (cases, where nothing is done to addresses)."""
        done = self.bulk.done_addresses + self.bulk.skipped_addresses if self.bulk.addresses else self.handled
        return round(done * 1000 / self.bulk.busy_ms) if self.bulk.busy_ms else 0

    @property
    def seconds_left(self) -> int | None:
        """How long the rest will take at that rate; None as long as nobody can say."""
        if not self.handled or not self.bulk.busy_ms:
            return None
        return round((self.bulk.items - self.handled) * self.bulk.busy_ms / self.handled / 1000)

    @property
    def stage_ends(self) -> Sequence[int]:
        """After how many cases each stage of a staged action ends."""
        return [stage_end(self.bulk.items, stage) for stage in range(3)]

    @property
    def next_stage(self) -> int:
        """How many cases the next stage takes on."""
        ends = self.stage_ends
        return ends[min(self.bulk.stage + 1, 2)] - self.handled


def bulk_page(bulk_id: int) -> BulkPage | None:
    """Collect the page of an action, None when there is no such one."""
    session = db.session()
    bulk = query.find(session, bulk_id)
    if bulk is None:
        return None
    state = BulkState(bulk.state)
    waiting = state in {BulkState.PREVIEWED, BulkState.AWAITING_SECOND}
    begun = state in ENDED | {BulkState.RUNNING, BulkState.PAUSED}
    now = wall_now()
    seconds = (bulk.expires_at - now).total_seconds()
    return BulkPage(
        bulk=bulk,
        policy=policy_of(bulk),
        is_author=bulk.author_id == current_identity().staff_id,
        has_worker=bulk.leased_until is not None and bulk.leased_until > now,
        expires_in=max(0, -int(-seconds // 60)),
        changed_since=query.changed_since(session, bulk_id) if waiting else 0,
        judged=query.judged(session, bulk_id) if state is BulkState.PREPARING else 0,
        accounts=query.high_profile(session, bulk_id) if waiting and bulk.kind == BulkKind.APPROVE else (),
        skipped=query.reasons(session, bulk_id, ItemState.SKIPPED) if begun else {},
        effects=query.effects(session, bulk_id) if begun else {},
        reverts=query.reverts_of(session, bulk_id) if begun else (),
    )


@blueprint.get("/bulk-actions")
@requires(Permission.BULK_READ)
def index() -> str:
    """List the bulk actions, the newest first."""
    page = query.bulk_rows(db.session(), request.args.get("after"), request.args.get("before"))
    return render_template("bulk/index.html", page=page)


@blueprint.get(f"/bulk-actions/<{ROW_ID}:bulk_id>")
@requires(Permission.BULK_READ)
def show(bulk_id: int) -> Response:
    """Show one action: its preview, its progress or its result, as far as it is."""
    return answer(bulk_id)


@blueprint.get(f"/bulk-actions/<{ROW_ID}:bulk_id>/progress")
@requires(Permission.BULK_READ, polled=True)
def progress(bulk_id: int) -> Response:
    """Show the part of the page that changes while it works; the page itself where no script asks for a part."""
    if not wants_fragment():
        return make_response(redirect(url_for("bulk.show", bulk_id=bulk_id), 303))
    page = bulk_page(bulk_id)
    if page is None:
        abort(404)
    if not page.is_working:  # it ended: the whole page looks different now
        response = make_response("", 200)
        response.headers["HX-Refresh"] = "true"
        return response
    return make_response(render_template("bulk/_progress.html", page=page, bulk=page.bulk))


@blueprint.get(f"/bulk-actions/<{ROW_ID}:bulk_id>/cases")
@requires(Permission.BULK_READ)
def items(bulk_id: int) -> str:
    """List the cases of an action, those of one state or with one reason alone if asked."""
    session = db.session()
    bulk = query.find(session, bulk_id)
    if bulk is None:
        abort(404)
    state, why = choice("state", STATES), choice("why", REASON_CODES)
    page = query.item_rows(session, bulk_id, state=state, why=why, after=request.args.get("after"))
    shown = {name: value for name, value in (("state", state), ("why", why)) if value}
    return render_template("bulk/items.html", bulk=bulk, page=page, shown=shown)


@blueprint.get(f"/bulk-actions/<{ROW_ID}:bulk_id>.csv")
@requires(Permission.BULK_READ)
def export(bulk_id: int) -> Response:
    """Send what became of every address, masked, as a file; noted in the audit log."""
    if query.find(db.session(), bulk_id) is None:
        abort(404)
    identity = current_identity()
    with writing() as session:
        record(
            session,
            Event.BULK_EXPORTED,
            actor=identity.actor,
            object_type="bulk",
            object_id=str(bulk_id),
            data={"format": "csv"},
            now=page_now(),
        )
    response = Response(stream_with_context(_csv(bulk_id)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="lapsewatch-bulk-{bulk_id}.csv"'
    return response


def _csv(bulk_id: int) -> Iterator[str]:
    """Yield the file (RFC 4180) in pieces."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(query.CSV_COLUMNS)
    for number, row in enumerate(query.result_rows(db.session(), bulk_id)):
        writer.writerow([neutral_cell(cell) for cell in row])
        if number % 500 == 499:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def answer(bulk_id: int, code: int = 200, **values: Any) -> Response:
    """Return the page of an action; `error` and `form` show a form again with what is wrong."""
    page = bulk_page(bulk_id)
    if page is None:
        abort(404)
    context: dict[str, Any] = {"error": None, "form": {}, "page": page, "bulk": page.bulk, "now": page_now()} | values
    return make_response(render_template("bulk/show.html", **context), code)


def running_note() -> dict[str, Any]:
    """Give every page of those who may stop it what runs at the moment."""
    identity = maybe_identity()
    if identity is None or not identity.may(Permission.BULK_STOP):
        return {"running_bulks": ()}
    rows = query.working(db.session())
    return {"running_bulks": [row for row in rows if row.state == BulkState.RUNNING]}
