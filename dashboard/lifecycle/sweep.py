"""The daily DNS sweep: when a domain's turn is, and which answers make a full check due. DNS alone never flags."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.lifecycle.evidence import Evidence, Outcome, Provider, Reading

GONE = "gone"
"""What stands for every answer without a delegation."""
REMEMBERED = 4
"""Pictures kept of a domain, the newest first."""
RESTLESS = timedelta(days=7)
"""Hosts named lately that come back sooner than this after the last change are rotation, no news."""

WINDOW = timedelta(hours=24)
AT_LEAST = 20
"""Fewer changes than these are always believed."""
SHARE_OF_BATCH, SHARE_OF_WINDOW = 0.1, 0.02
"""The largest believable share of changed answers: in a usual day it is far below a hundredth."""

_DAY = timedelta(days=1)


def next_sweep_at(swept_at: datetime, *, key: str) -> datetime:
    """Return the first turn after `swept_at`: every domain has its own time of the (UTC) day, by its name `key`.

    A fixed time neither drifts nor bunches up after an outage: 500,000 domains stay six queries a second.
    """
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32
    turn = swept_at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY * share
    return turn if turn > swept_at else turn + _DAY


def dns_sweep_due(swept_at: datetime | None, now: datetime, *, key: str) -> bool:
    """Whether the domain's turn has come since it was last swept (None: never); times are aware UTC."""
    return swept_at is None or next_sweep_at(swept_at, key=key) <= now


def triggered(before: Evidence | None, after: Evidence) -> bool:
    """Whether a new DNS answer makes the full check due at once.

    It does when the delegation vanished or came back, or other name servers or mail hosts are named than `before`,
    the last *answer*; with none to compare, when there is no delegation. An error (SERVFAIL, REFUSED, time-out) never
    does: it says nothing of the domain.
    """
    if after.outcome is Outcome.ERROR:
        return False
    if before is None or before.outcome is Outcome.ERROR:
        return not _is_delegated(after)
    return _is_delegated(before) != _is_delegated(after) or _names_others(before, after)


def _names_others(before: Evidence, after: Evidence) -> bool:
    """Compare like with like: name servers as told by the same side, and mail where both times it was answered."""
    (servers, mail), (servers_now, mail_now) = _hosts(before), _hosts(after)
    if before.by_resolver == after.by_resolver and servers != servers_now:
        return True
    knows_mail = all(each.delegation is None or each.delegation.knows_mail for each in (before, after))
    return knows_mail and mail != mail_now


def picture(evidence: Evidence) -> str:
    """Return a short digest of what an answer says of the delegation and of who takes the mail."""
    if not _is_delegated(evidence):
        return GONE
    nameservers, mail = _hosts(evidence)
    text = "\n".join([*nameservers, "", *sorted(mail)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_news(seen: Sequence[str], after: str, changed_at: datetime | None, now: datetime) -> bool:
    """Whether a sweep's answer, of the picture `after`, makes the full check due at once.

    `seen`: the pictures of the last answers, the newest first; `changed_at`: when they last changed. The same as
    `triggered`, but where name servers or mail hosts only rotate it is not news every day.
    """
    before = seen[0] if seen else None
    if before is None or GONE in {before, after}:
        return before != after and (before is not None or after == GONE)
    is_rotating = after in seen and changed_at is not None and now < changed_at + RESTLESS
    return before != after and not is_rotating


def remembered(seen: Sequence[str], after: str) -> tuple[str, ...]:
    """Return the pictures to keep once `after` was answered."""
    return (after, *[each for each in seen if each != after])[:REMEMBERED]


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of sweeping: answers, and full checks that they made due."""

    answered: int = 0
    triggered: int = 0


def is_believable(changed: int, answered: int, window: Swept) -> bool:
    """Whether so many changed answers of a batch may all be true, after those of the last `WINDOW`.

    A resolver that says NXDOMAIN to everything must not make everything due: of a batch a tenth may change, and of
    the answers of a day a fiftieth.
    """
    if changed > max(AT_LEAST, answered * SHARE_OF_BATCH):
        return False
    return window.triggered + changed <= max(AT_LEAST, (window.answered + answered) * SHARE_OF_WINDOW)


def vanished_at(readings: Iterable[Reading]) -> datetime | None:
    """Return when a delegation seen before was first missed; None while it stands, or where none was ever seen."""
    told = [r for r in readings if r.evidence.provider is Provider.DNS and r.evidence.outcome is not Outcome.ERROR]
    stood = max((r.last_seen_at for r in told if _is_delegated(r.evidence)), default=None)
    missed = [r for r in told if not _is_delegated(r.evidence) and stood is not None and r.last_seen_at > stood]
    return min((r.first_seen_at for r in missed), default=None)


def _is_delegated(evidence: Evidence) -> bool:
    """NXDOMAIN, or NOERROR without name servers: not delegated."""
    return evidence.outcome is Outcome.FOUND and bool(evidence.nameservers)


def _hosts(evidence: Evidence) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return who serves the name and who takes its mail; an order of preference says nothing about the holder."""
    mx = evidence.delegation.mx if evidence.delegation else ()
    return evidence.nameservers, frozenset(host for _, host in mx)
