"""Account sources: the package registries whose accounts are protected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Source

MAX_NAME = 255
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


class SourceProblem(StrEnum):
    """Why a source was not added."""

    BAD_SLUG = "A slug has 1 to 64 lower-case letters, digits and inner hyphens, like pypi or my-index."
    BAD_NAME = f"A name has 1 to {MAX_NAME} printable characters."
    SLUG_TAKEN = "There is a source with this slug already."


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The new source, or why there is none."""

    source: Source | None = None
    problem: SourceProblem | None = None


def add_source(session: Session, slug: str, name: str, now: datetime, actor: Actor) -> SourceResult:
    """Add a source, with one `source.added` audit entry."""
    name = name.strip()
    if not _SLUG.fullmatch(slug):
        return SourceResult(problem=SourceProblem.BAD_SLUG)
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        return SourceResult(problem=SourceProblem.BAD_NAME)
    if find_source(session, slug):
        return SourceResult(problem=SourceProblem.SLUG_TAKEN)
    source = Source(slug=slug, name=name, created_at=now)
    session.add(source)
    session.flush()
    record(
        session,
        Event.SOURCE_ADDED,
        actor=actor,
        object_type="source",
        object_id=slug,
        data={"name": name},
        now=now,
    )
    return SourceResult(source=source)


def find_source(session: Session, slug: str) -> Source | None:
    """Return the source with this slug."""
    return session.scalars(select(Source).where(Source.slug == slug)).one_or_none()
