"""Keep filters of the queue under a name: for oneself, for all, as what a role sees first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.models import Role, SavedView

MAX_NAME = 80
MAX_QUERY = 1000
MOST_VIEWS = 50


class ViewError(ValueError):
    """A view that cannot be kept; the message is for its author."""


def save_view(
    session: Session, name: str, query: str, actor: Actor, staff_id: int, now: datetime, *, shared: bool
) -> SavedView:
    """Keep `query` (what stands after the `?`) as `name`; one's own view of that name is replaced.

    `ViewError` when the name cannot be used, or somebody keeps too many.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ViewError(f"Give the view a name of at most {MAX_NAME} letters.")
    if len(query) > MAX_QUERY:
        raise ViewError("These filters are too long to be kept.")
    view = session.scalar(select(SavedView).where(SavedView.staff_id == staff_id, SavedView.name == name))
    if view is None:
        owned = session.scalar(select(func.count()).select_from(SavedView).where(SavedView.staff_id == staff_id))
        if (owned or 0) >= MOST_VIEWS:
            raise ViewError(f"Nobody can keep more than {MOST_VIEWS} views: delete one first.")
        view = SavedView(staff_id=staff_id, name=name, created_at=now)
        session.add(view)
    view.query, view.shared = query, shared or view.default_role is not None
    session.flush()
    _tell(session, Event.VIEW_SAVED, view, actor, {"shared": view.shared}, now)
    return view


def delete_view(session: Session, view: SavedView, actor: Actor, now: datetime) -> None:
    """Delete a view."""
    session.delete(view)
    session.flush()
    _tell(session, Event.VIEW_DELETED, view, actor, {"shared": view.shared}, now)


def share_view(session: Session, view: SavedView, actor: Actor, now: datetime, *, shared: bool) -> None:
    """Show a view to all, or to its author alone; then no role sees it first any more."""
    view.shared = shared
    if not shared:
        view.default_role = None
    session.flush()
    _tell(session, Event.VIEW_SHARED, view, actor, {"shared": shared}, now)


def set_default(session: Session, view: SavedView, role: Role | None, actor: Actor, now: datetime) -> None:
    """Make a view what `role` sees first, in the place of another; None: nobody does. It is shared by that."""
    if role is not None:
        session.execute(update(SavedView).where(SavedView.default_role == role.value).values(default_role=None))
        view.shared = True
    view.default_role = None if role is None else role.value
    session.flush()
    _tell(session, Event.VIEW_DEFAULT_SET, view, actor, {"role": view.default_role}, now)


def _tell(session: Session, event: Event, view: SavedView, actor: Actor, data: Data, now: datetime) -> None:
    record(session, event, actor=actor, object_type="view", object_id=str(view.id), data=data, now=now)
