"""Whether a check heard everybody whom it needed: an answer that is missing for now is asked for again soon."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.lifecycle.evidence import ErrorKind, Evidence, EvidenceKind, Outcome, Phase

_HOPELESS = {ErrorKind.UNSUPPORTED, ErrorKind.NOT_CONFIGURED}
_HELD_BACK = {ErrorKind.NOT_ASKED, ErrorKind.THROTTLED}
"""Nothing is wrong with the server: its budget or its patience was spent, or it is left alone for a while."""


def has_failed(answers: Sequence[Evidence]) -> bool:
    """Whether no provider that could have known said anything (a TLD without RDAP is no failure to be retried)."""
    strong = [one for one in answers if one.kind is not EvidenceKind.DELEGATION]
    asked = [one for one in strong or answers if one.error not in _HOPELESS]
    return bool(asked) and all(one.outcome is Outcome.ERROR for one in asked)


def is_held_back(answers: Sequence[Evidence]) -> bool:
    """Whether somebody was held back whose word is missed.

    That is the registry's directory always, since no status API replaces it; and a status API where the directory
    does not call the name active, which then wants a second word.
    """
    kinds = {one.kind for one in answers if one.error in _HELD_BACK}
    if EvidenceKind.REGISTRY_DIRECTORY in kinds:
        return True
    directory = [one.phase for one in answers if one.kind is EvidenceKind.REGISTRY_DIRECTORY and one.error is None]
    return EvidenceKind.STATUS_API in kinds and directory != [Phase.ACTIVE]
