"""API tokens of sources: shown once, kept as SHA-256."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.auth.identity import TokenIdentity
from dashboard.auth.sessions import digest_of
from dashboard.models import ApiToken, Source

MARK = "lw_"
PREFIX_LENGTH = len(MARK) + 8
TOUCH_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """What a token is good for."""

    UNVERIFICATIONS = "unverifications"


def create_token(session: Session, source: Source, scope: Scope, now: datetime, actor: Actor) -> str:
    """Make a token for `source` and return it: the only time anybody sees it."""
    plain = MARK + secrets.token_urlsafe(32)
    token = ApiToken(
        source_id=source.id,
        scope=scope.value,
        prefix=plain[:PREFIX_LENGTH],
        digest=digest_of(plain),
        created_at=now,
    )
    session.add(token)
    session.flush()
    _record(session, Event.TOKEN_CREATED, token, source, now, actor)
    return plain


def find_token(session: Session, prefix: str) -> ApiToken | None:
    """Return the one token that starts so (`PREFIX_LENGTH` characters at least), revoked or not."""
    if len(prefix) < PREFIX_LENGTH or not prefix.isprintable():
        return None
    return session.scalars(select(ApiToken).where(ApiToken.prefix == prefix[:PREFIX_LENGTH])).one_or_none()


def revoke_token(session: Session, token: ApiToken, now: datetime, actor: Actor) -> None:
    """Make `token` useless from now on; a revoked one stays as it is."""
    if token.revoked_at is None:
        token.revoked_at = now
        _record(session, Event.TOKEN_REVOKED, token, session.get_one(Source, token.source_id), now, actor)


def authenticate(session: Session, header: str | None) -> TokenIdentity | None:
    """Return whose token the `Authorization` header shows (RFC 6750, Bearer), or None.

    The token is looked up by its digest, so that timing tells nothing about its characters.
    """
    scheme, _, plain = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not plain.startswith(MARK):
        return None
    row = session.execute(
        select(ApiToken, Source.slug)
        .join(Source, Source.id == ApiToken.source_id)
        .where(ApiToken.digest == digest_of(plain.strip()), ApiToken.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    token, slug = row
    return TokenIdentity(token.id, token.source_id, slug, token.scope, Actor(ActorKind.SOURCE, slug))


def token_needs_touch(session: Session, token_id: int, now: datetime) -> bool:
    """Whether the token's use should be noted again."""
    last = session.scalars(select(ApiToken.last_used_at).where(ApiToken.id == token_id)).one()
    return last is None or now - last >= TOUCH_EVERY


def touch_token(session: Session, token_id: int, now: datetime) -> None:
    """Note that the token is in use."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now))


def _record(session: Session, event: Event, token: ApiToken, source: Source, now: datetime, actor: Actor) -> None:
    data: Data = {"source": source.slug, "scope": token.scope, "prefix": token.prefix}
    record(session, event, actor=actor, object_type="token", object_id=str(token.id), data=data, now=now)
