"""The map of roles and permissions, and the marks on views."""

from __future__ import annotations

import re

import pytest

from dashboard.audit.actor import Actor, ActorKind
from dashboard.auth.identity import access_of, identity_of, public, requires, requires_token
from dashboard.auth.permissions import PERMISSIONS, Permission
from dashboard.models import Role, Staff


def test_every_role_is_in_the_map_and_somebody_has_every_permission() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(Permission)


def test_an_auditor_changes_nothing() -> None:
    """But their own settings."""
    others = PERMISSIONS[Role.AUDITOR] - {Permission.ME_EDIT}
    assert {each.value.split(":")[1] for each in others} == {"read", "export"}


def test_only_admins_manage_staff_and_sources() -> None:
    for permission in (Permission.STAFF_MANAGE, Permission.SOURCES_MANAGE):
        assert [role for role in Role if permission in PERMISSIONS[role]] == [Role.ADMIN]


def test_permissions_are_named_scope_and_action() -> None:
    assert all(re.fullmatch(r"[a-z]+:[a-z]+", each.value) for each in Permission)


def test_an_identity_knows_what_it_may() -> None:
    identity = identity_of(Staff(id=3, email="ann@example.com", role="auditor"))
    assert identity.actor == Actor(ActorKind.STAFF, "3")
    assert identity.may(Permission.AUDIT_READ)
    assert identity.may("audit:read")
    assert not identity.may(Permission.CASES_DECIDE)
    with pytest.raises(ValueError, match="audit:raed"):
        identity.may("audit:raed")


def test_views_carry_their_demand() -> None:
    def view() -> None: ...

    def other() -> None: ...

    assert access_of(view) is None
    access = access_of(requires(Permission.CASES_READ)(view))
    assert access
    assert (access.permission, access.public) == (Permission.CASES_READ, False)
    access = access_of(requires_token("x")(other))
    assert access
    assert (access.scope, access.public) == ("x", False)
    access = access_of(public(view))
    assert access
    assert access.public
