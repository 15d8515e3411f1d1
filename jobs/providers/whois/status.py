"""Registries' own words for where a registration stands, told in RDAP's (RFC 8056): one rule reads them all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from dashboard.lifecycle.evidence import MAX_ITEMS, Phase, clip
from dashboard.lifecycle.phases import epp_word, phase_from_epp
from jobs.providers.whois.wordings import any_of

_FREE = re.compile(
    r"^(?:\d{3} )?(?:(?:this |the )?domain (?:name )?(?:is )?)?"
    + any_of(
        "free|avail|available|not ?registered|unregistered|not ?found",
        "no object found|no match|not ?assigned|unassigned",
        "does not exist|non ?existent|inexistent|unallocated|vacant|libre|disponible|disponivel|disponível|frei|vrij",
        r"ledig|wolna|liber|svobodn\w+|volná|volna|szabad|свободен",
    )
    + "(?: (?:for|to be) (?:registration|register|purchase|registered))?[ .!]*$"
)
_EXPIRED = "expired"

MAX_WORDS = 2
"""Words of a status in a list; longer parts between commas are those of one sentence."""

# Searched in this order in a status without blanks and marks; the first that fits wins.
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(any_of(*patterns)), word)
    for patterns, word in (
        (
            (
                "prohibited$|prohibited[a-z]*by|(?<!b)lock|unverified|nothold|keptinzone",
                "(?:deletion|change|update|renewal|transfer)forbidden",  # FRED's (.cz, .cr) for what EPP prohibits
            ),
            "",
        ),
        (("pendingrestore|underrestor",), "pending restore"),
        (("redemption|quarantine|restorable|registrationsuspended|cooling?off",), "redemption period"),
        (
            (
                "pendingdelet|nolongerrequired|tobedeleted",
                "scheduledfor(?:deletion|release)|pendingpurge|policydelete",
                "tobereleased|^deleted|deletepending|pendingrelease|forrelease|releasepending|releaseprocess",
                "deletecandidate|atauction",
            ),
            "pending delete",
        ),
        (("autorenew",), "auto renew period"),
        (
            (
                "expired|renewalrequired|graceperiod(?!.*add)|overdue",
                "unpaid|notpaid|lapsed|postexpir|vencido|expirado",
            ),
            _EXPIRED,
        ),
        (("clienthold",), "client hold"),
        (
            (
                "hold|suspen|withdrawn|isntgenerated|disabled|deactivat|frozen|blocked(?!by)|notdelegated|undelegated|inactive|outofzone",
                "notinzone|noactiv|baja|withheld|seized|outofservice|techpro|noprovider|noregistrar",
            ),
            "server hold",
        ),
        (
            (
                "reserv|restricted|notassignable|unassignable|forbidden|notallowed|unregist(?:r|er)able",
                "notregist(?:r|er)able|nonregistrable|blockedby|notopen",
            ),
            "reserved",
        ),
    )
)

# What a word means at one registry only.
_OF_TLD: dict[str, tuple[tuple[str, str], ...]] = {
    # JPRS: suspended on the first day after the last month, restorable for 20 days, then deleted.
    "jp": (("tobesuspended", _EXPIRED), ("suspended", "redemption period")),
    # SK-NIC: DOM_EXP past its term, DOM_HELD out of DNS and restorable for four weeks.
    "sk": (("domexp", _EXPIRED), ("domheld", "redemption period")),
    # .nz: cancelled, restorable for 90 days.
    "nz": (("pendingrelease", "redemption period"),),
}


def is_free(status: str) -> bool:
    """Whether a status, alone, says that nobody holds the name."""
    bare = re.sub(r"\(.*?\)", " ", status.lower()).strip(" .!*\"'")
    return _FREE.match(" ".join(re.split(r"[\s_-]+", bare))) is not None


def split_statuses(value: str) -> Iterable[str]:
    """Return the statuses of one line: some registries write them as a list of capitals, or with slashes."""
    if " / " in value:
        return value.split(" / ")
    parts = value.split(",")
    return parts if value.isupper() or all(len(part.split()) <= MAX_WORDS for part in parts) else (value,)


def clean_statuses(values: Iterable[str]) -> tuple[str, ...]:
    """Return statuses in RDAP's spelling, each once, sorted and bounded."""
    words = (
        clip(epp_word(status) or status.strip(" ()").lower(), 64)
        for value in values
        for status in split_statuses(value)
    )
    return tuple(sorted({word for word in words if word}))[:MAX_ITEMS]


def phase_of(
    values: Collection[str],
    *,
    expires_at: datetime | None,
    registrar_expires_at: datetime | None,
    now: datetime,
    tld: str,
) -> Phase:
    """Return the phase of a name that is found, from its raw statuses and dates."""
    words = {_translated(status, tld) for value in values for status in split_statuses(value)}
    phase = phase_from_epp(
        words - {_EXPIRED}, expires_at=expires_at, registrar_expires_at=registrar_expires_at, now=now, tld=tld
    )
    if _EXPIRED in words and phase in {Phase.ACTIVE, Phase.HOLD}:
        return Phase.AUTO_RENEW_GRACE
    return phase


def _translated(status: str, tld: str) -> str:
    """Return a status in RDAP's words; unchanged where it says nothing of the life cycle."""
    squashed = re.sub(r"https?://\S+|[\W_]+", "", status.lower())
    for fragment, word in _OF_TLD.get(tld, ()):
        if fragment in squashed:
            return word
    return next((word for pattern, word in _WORDS if pattern.search(squashed)), epp_word(status))
