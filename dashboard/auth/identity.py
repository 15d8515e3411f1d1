"""Who is asking: a signed-in member of staff, or a source with its token; and what a view demands of them.

A decorator only marks the view; `dashboard.auth.guard` holds every request against the mark before the view runs,
and refuses to run a view that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import g

from dashboard.audit.actor import Actor, ActorKind
from dashboard.auth.permissions import PERMISSIONS, Permission
from dashboard.models import Role, Staff

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "lapsewatch_access"


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in member of staff. `email` is for their own screen only, never for logs; `shortcuts`: keys are on."""

    staff_id: int
    email: str
    role: Role
    permissions: frozenset[Permission]
    actor: Actor
    shortcuts: bool = True

    def may(self, permission: Permission | str) -> bool:
        """Whether their role has `permission`; templates pass its name, a wrong one is a `ValueError`."""
        return Permission(permission) in self.permissions


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """A source that showed a valid API token."""

    token_id: int
    source_id: int
    source_slug: str
    scope: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Access:
    """What a view demands: a permission, a token's scope, or nothing; `polled`: pages ask for it by themselves."""

    permission: Permission | None = None
    scope: str | None = None
    polled: bool = False

    @property
    def public(self) -> bool:
        """Whether anybody may call the view."""
        return self.permission is None and self.scope is None


def requires(permission: Permission, *, polled: bool = False) -> Callable[[View], View]:
    """Mark a view as open to staff who have `permission`.

    What is `polled` does not count as use of the session: an open page must not keep somebody signed in for ever.
    """
    return _marker(Access(permission=permission, polled=polled))


def requires_token(scope: str) -> Callable[[View], View]:
    """Mark a view as open to sources whose token has `scope`; it takes no cookies and needs no CSRF token."""
    return _marker(Access(scope=scope))


def public(view: View) -> View:
    """Mark a view as deliberately open to everybody (its forms still need a CSRF token)."""
    return _marker(Access())(view)


def access_of(view: object) -> Access | None:
    """Return the mark of a view function, or None when it was forgotten."""
    return cast("Access | None", getattr(view, _MARK, None))


def identity_of(staff: Staff) -> Identity:
    """Return the identity of a member of staff."""
    role = Role(staff.role)
    actor = Actor(ActorKind.STAFF, str(staff.id))
    return Identity(staff.id, staff.email, role, PERMISSIONS[role], actor, staff.shortcuts is not False)


def current_identity() -> Identity:
    """Return who is signed in; `LookupError` where nobody is, which a view with `requires` never sees."""
    if (identity := maybe_identity()) is None:
        raise LookupError("nobody is signed in")
    return identity


def maybe_identity() -> Identity | None:
    """Return who is signed in, or None."""
    return cast("Identity | None", g.get("identity"))


def current_token() -> TokenIdentity:
    """Return the token's identity; `LookupError` outside a view with `requires_token`."""
    identity = cast("TokenIdentity | None", g.get("token_identity"))
    if identity is None:
        raise LookupError("no token was shown")
    return identity


def _marker(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _MARK, access)
        return view

    return mark
