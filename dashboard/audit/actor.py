"""Who did something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The kinds of doer an audit entry can name."""

    STAFF = "staff"
    SOURCE = "source"
    SYSTEM = "system"
    POLICY = "policy"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """A doer: `staff:3` (a member of staff), `source:pypi` (a token of a source), `system:sweep`, `policy:4` (by
    the policy's version 4, without a person), `anonymous:-`.
    """

    kind: ActorKind
    ident: str

    @property
    def label(self) -> str:
        """The form kept in the audit log."""
        return f"{self.kind.value}:{self.ident}"


def system(name: str) -> Actor:
    """Return the actor for the product's own work, e.g. `system("sweep")`."""
    return Actor(ActorKind.SYSTEM, name)
