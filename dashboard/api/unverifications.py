"""`/api/v1/unverifications`: a source pulls what it is told, in order, and acknowledges each item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Row

from dashboard.api.problems import Problem
from dashboard.auth.identity import current_token, requires_token
from dashboard.auth.tokens import Scope
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import clip
from dashboard.models import UnverificationState
from dashboard.queries.outbox import page_after
from dashboard.queries.paging import whole
from dashboard.runtime import domain_now
from dashboard.services.acknowledge import MAX_REASON, RESULTS, Ack, acknowledge
from dashboard.services.notices import mark_notices_sent
from dashboard.services.publish import mark_sent
from dashboard.times import rfc3339

DEFAULT_LIMIT = 100
MAX_ITEMS = 1000
MAX_SEQ = 2**63 - 1

blueprint = Blueprint("api_unverifications", __name__, url_prefix="/api/v1/unverifications")


@blueprint.get("")
@requires_token(Scope.UNVERIFICATIONS)
def pull() -> Response:
    """Serve the published items above `after`, oldest first; the first serving of an item marks it sent."""
    after = _number("after", default=0, least=0, most=MAX_SEQ)
    limit = _number("limit", default=DEFAULT_LIMIT, least=1, most=MAX_ITEMS)
    token = current_token()
    rows = page_after(db.session(), token.source_id, after, limit)
    fresh = [row for row in rows if row.state == UnverificationState.QUEUED]
    if fresh and request.method == "GET":  # a HEAD request is served nothing
        rows = _mark_sent(token.source_id, fresh, rows)
    items = [
        {
            "id": row.public_id,
            "seq": row.seq,
            "kind": row.kind,
            "effect": row.effect,
            "account_id": row.account_id,
            "address_id": row.address_id,
            "reverts": row.reverts,
            "judged": row.judged,
            "reason": row.reason,
            "decided_at": rfc3339(row.decided_at),
        }
        for row in rows
    ]
    return jsonify(items=items, next_after=rows[-1].seq if rows else after)


def _mark_sent(source_id: int, fresh: Sequence[Row[Any]], rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Note the serving of what is `fresh`; return what of `rows` is to be served.

    An item that was withdrawn between being read and being marked is not; from then on none of them can be.
    """
    notices = [row.public_id for row in fresh if row.is_notice]
    others = [row.public_id for row in fresh if not row.is_notice]
    with writing() as session:
        gone = mark_sent(session, source_id, others, domain_now())
        mark_notices_sent(session, source_id, notices, domain_now())
    return [row for row in rows if row.public_id not in gone]


@blueprint.post("/ack")
@requires_token(Scope.UNVERIFICATIONS)
def ack() -> Response:
    """Record what the source did with each item; answers with one status an item, in the same order."""
    acks = _acks(_body())
    token = current_token()
    with writing() as session:
        statuses = acknowledge(session, token.source_id, token.source_slug, acks, token.actor, domain_now())
    return jsonify(items=[{"id": public_id, "status": status.value} for public_id, status in statuses])


def _number(name: str, *, default: int, least: int, most: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    value = whole(text)
    if value is None or not least <= value <= most:
        raise Problem(400, f"{name} must be a whole number from {least} to {most}")
    return value


def _body() -> Any:
    """Read the request's JSON, None where it is none: no half characters, and not nested without end."""
    try:
        return orjson.loads(request.get_data()) if request.is_json else None
    except orjson.JSONDecodeError:
        return None


def _acks(body: Any) -> list[Ack]:
    """Read the request's items, naming the first that is wrong; nothing is recorded then."""
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise Problem(400, f'the body must be JSON: {{"items": [...]}} with at most {MAX_ITEMS} items')
    return [_ack(index, item) for index, item in enumerate(items)]


def _ack(index: int, item: Any) -> Ack:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"].isprintable():
        raise Problem(400, f"items[{index}].id must be the id of an item")
    result, reason = item.get("result"), item.get("reason")
    if not isinstance(result, str) or result not in set(RESULTS):
        raise Problem(400, f"items[{index}].result must be one of {', '.join(RESULTS)}")
    if reason is not None and not isinstance(reason, str):
        raise Problem(400, f"items[{index}].reason must be text")
    # The source's words come onto a screen: one line, and nothing invisible in it.
    return Ack(item["id"][:64], UnverificationState(result), clip(" ".join((reason or "").split()), MAX_REASON))
