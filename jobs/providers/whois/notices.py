"""Faults told beside a "no such name": politely, in passing, within the terms of use, or in another language.

Asked only of replies that would otherwise free a name. There a wrong alarm costs a second look-up, and a missed one
somebody's address: one sentence that says that the server did not do its work is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, groupby

from dashboard.lifecycle.evidence import ErrorKind
from jobs.providers.whois import abroad
from jobs.providers.whois.lines import Line
from jobs.providers.whois.phrases import canonical, sentences
from jobs.providers.whois.wordings import any_of

MAX_STATEMENT = 400
"""Characters of a sentence, over however many lines, that is still read as one."""

MAX_SHORT = 70
"""Characters of a line that is an answer of its own even within a long paragraph."""

_END = re.compile(r"(?<=[.!?])\s+|\s+[-|]+\s+")

_CONDITIONAL = re.compile(
    r"\b(?:if|when|whenever|unless|until|may|might|can|could|will|would|should|shall|must|in case|where|who|any|not)"
    r"\b"
)
"""What a term of use is told by."""

_LIMIT = (
    r"\b(?:limit|quota|cap|rate|maximum|allowance|allotment|threshold|(?:number|count|amount) of|count|budget|usage)"
    r"\w*"
)
_SPENT = (
    r"\b(?:exceeded|reached|surpassed|exhausted|used up|spent|consumed|depleted|passed|breached|overrun|overdrawn"
    r"|hit)\b"
)
_QUESTIONS = r"\b(?:quer(?:y|ies)|requests?|look-?ups?|connections?|access|replies|answers?|service)\b"
_STOPPED = (
    "(?:limited|restricted|delayed|dropped|blocked|throttled|slowed|suspended|denied|refused|banned|ignored|rejected"
    "|discarded|cut|black-?listed|disabled)"
)
_SINCE = r"(?:was|were|has been|have been|had been|is being|are being|got|is now|are now)"

_HAPPENED = re.compile(
    any_of(
        rf"{_LIMIT}\b.{{0,80}}{_SPENT}",
        rf"{_SPENT}.{{0,40}}{_LIMIT}",
        rf"(?:{_QUESTIONS}|\byou\b|\byour\b).{{0,60}}\b{_SINCE} (?:\w+ ){{0,2}}{_STOPPED}",
        rf"\b(?:you (?:have|had)|youve) (?:\w+ )?"
        rf"(?:{_SPENT}|queried|asked|used|sent|made|issued|submitted|overused|abused)",
        rf"\byour (?:ip|address|host|network|client|account)\b.{{0,30}}\b(?:is|are) (?:\w+ )?{_STOPPED}",
    )
)
"""Told as having happened, to us."""

_TOLD = re.compile(_SPENT + rf"|\b{_STOPPED}\b|\byou(?: have| had|.?ve)\b", re.IGNORECASE)
"""Without one of these words nothing has happened."""

_UNDONE = re.compile(
    any_of(
        r"\btoo (?:high|quick\w*|short|soon|many|much|fast|frequent\w*|often|heavy|busy)\b|\bthrottl|\bcaptcha\b",
        r"^(?:limits? |quotas? |rate )?exceeded\b(?!.*\bwill\b)|\b(?:limit|quota)$",
        r"\b(?:technical|unforeseen) (?:difficult|problem|reason|issue|fault)|\binconvenience\b",
        r"\b(?:could|can) ?not be (?:done|made|carried|determined|verified|checked)\b",
        r"\b(?:upgrad|migrat|restart|reboot)ing\b|\b(?:perform|undergo)ing an? (?:upgrade|update|migration)",
        r"\b(?:sunset|retired|deprecated|decommissioned|discontinued)\b|\bend of (?:service|life)\b",
        r"\btest (?:system|environment|server)\b|\bot&?e (?:system|environment|server)\b",
        rf"{_QUESTIONS}.{{0,20}}\b(?:not|never|nor) (?:been |be )?"
        "(?:process|complet|execut|perform|serv|answer|accept|handl|made)",
        r"\b(?:result|repl(?:y|ies)|answer|output|response|data)s?\b.{0,25}\b(?:incomplete|partial|truncated|stale)$",
        r"\b(?:partial|incomplete|truncated|degraded) (?:result|reply|answer|response|output|data|service|mode)",
        r"\b(?:backend|upstream|registry|database|server|system|service)\b.{0,20}\b(?:unavailable|unreachable|offline|overload"
        r"|refused|failed|closed|being (?:re)?(?:load|buil|sync|updat|start)|locked|read-only|down\b|busy|degraded)",
        r"\bnot (?:be )?served\b|\b(?:retry|try) (?:again|later|after|in)\b|\bback.?off\b",
    )
)
"""Says in a word or two that there was no proper answer, whatever else the sentence is about."""

_CODE = re.compile(
    r"^\W{0,20}(?:(?:error|code|status|https?(?:/[\d.]+)?|warning)\b\W{0,5}){0,4}(?:401|403|429|5\d\d)\b(?! \w+ per)",
    re.IGNORECASE,
)
"""The number of a fault in front of whatever is said (RFC 9110, 15; SMTP's numbers mean the same)."""


_ABROAD = re.compile(
    "(?:{limit}).{{0,60}}(?:{spent})|(?:{spent}).{{0,60}}(?:{limit}|{questions})|(?:{questions}).{{0,40}}(?:{spent})".format(
        limit="|".join(abroad.LIMIT), spent="|".join(abroad.SPENT), questions="|".join(abroad.QUESTIONS)
    )
)


def notice_in(lines: Sequence[Line]) -> tuple[ErrorKind, str] | None:
    """Return the fault that a reply mentions beside its "not found", as kind and sentence, or None."""
    for sentence in _statements(lines):
        if _HAPPENED.search(sentence) and not _CONDITIONAL.search(sentence):
            return ErrorKind.THROTTLED, sentence
    coded = next((line.text for line in lines if _CODE.match(line.text)), None)
    if coded is not None:
        return ErrorKind.SERVER_ERROR, coded
    for sentence in sentences(lines):
        if _UNDONE.search(sentence) or is_fault_abroad(sentence):
            return ErrorKind.SERVER_ERROR, sentence
    # Terms of use in other languages fill their lines; a short one may stand among the answer's own.
    short = (canonical(line.text) for line in lines if not line.is_remark and len(line.text) <= MAX_SHORT)
    abroad_told = next((sentence for sentence in short if is_fault_abroad(sentence)), None)
    return (ErrorKind.SERVER_ERROR, abroad_told) if abroad_told else None


def _statements(lines: Sequence[Line]) -> Iterable[str]:
    """Yield the sentences of each paragraph, wherever its lines break, then every line by itself."""
    paragraphs, number = [], 0
    for line in lines:
        number += line.follows_blank
        paragraphs.append((number, line.text))
    joined = (" ".join(text.strip("%#;* ") for _, text in part) for _, part in groupby(paragraphs, lambda p: p[0]))
    parts = chain.from_iterable(map(_END.split, joined))
    whole = [part for part in parts if len(part) <= MAX_STATEMENT]
    return (canonical(text) for text in (*whole, *(line.text for line in lines)) if _TOLD.search(text))


def is_fault_abroad(sentence: str) -> bool:
    """Whether a sentence tells a fault in another language than English.

    Looks for plain fragments first: an expression of so many words is slow, and seldom needed.
    """
    padded = f" {sentence} "
    if any(stem in padded for stem in abroad.FAULTS):
        return True
    return any(stem in padded for stem in abroad.SPENT) and _ABROAD.search(padded) is not None
