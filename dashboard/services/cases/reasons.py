"""Why a case was decided as it was: codes to count by, labels to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.models import DecisionKind


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code with its label; `needs_note` where the code alone says too little."""

    code: str
    label: str
    needs_note: bool = False


REASONS: dict[DecisionKind, tuple[Reason, ...]] = {
    DecisionKind.APPROVE: (
        Reason("lapsed", "The domain has lapsed"),
        Reason("caught", "Somebody else has registered the domain"),
        Reason("sold", "The domain was sold"),
        Reason("dependency_lapsed", "What its mail or its names rely on has lapsed"),
        Reason("other", "Another reason (say it in the note)", needs_note=True),
    ),
    DecisionKind.OVERRIDE: (
        Reason("owner_confirmed", "The owner has shown that they still hold it"),
        Reason("provider_wrong", "The evidence is wrong"),
        Reason("same_holder", "Registered again by the same holder"),
        Reason("dependency_safe", "What has lapsed takes no mail of this domain's"),
        Reason("other", "Another reason (say it in the note)", needs_note=True),
    ),
}
