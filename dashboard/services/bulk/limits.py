"""When a running bulk action stops by itself: numbers in, a reason out; nothing here asks the database."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = (0.01, 0.10, 1.0)
"""How much of a staged action is done before each stop."""
FAULTS = 0.01
"""The share of items that may fail by a fault of ours before the action aborts."""
REFUSALS = 0.10
"""The share of answers by which sources may refuse before the action aborts."""
AT_LEAST = 20
"""Fewer refused answers than these say nothing."""

DEVIATION = "deviation"
FAULTY = "faults"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an action came: previewed, done and skipped addresses, items and those that failed by a fault."""

    addresses: int
    skipped_addresses: int
    items: int
    skipped_items: int
    failed_items: int


def why_abort(progress: Progress, abort_share: float) -> str | None:
    """Return why the action must not go on, or None.

    `deviation`: so much was left out at its turn that what happens is no longer what was previewed, by more than
    `abort_share` of all its addresses (of its cases, where it has none). `faults`: too many items failed.
    """
    whole, missed = progress.addresses, progress.skipped_addresses
    if not whole:
        whole, missed = progress.items, progress.skipped_items
    if missed > whole * abort_share:
        return DEVIATION
    return FAULTY if progress.failed_items > max(2, progress.items * FAULTS) else None


def too_many_refused(refused: int, answered: int) -> bool:
    """Whether sources refuse so much of what they are told that something is wrong."""
    return refused >= AT_LEAST and refused > answered * REFUSALS


def stage_end(items: int, stage: int) -> int:
    """Return after how many items a stage (0, 1, 2) ends; each does one more than the one before, if there is one."""
    end = 0
    for share in STAGES[: stage + 1]:
        end = min(items, max(end + 1, round(items * share)))
    return items if stage >= len(STAGES) - 1 else end
