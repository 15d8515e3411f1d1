"""What a WHOIS server says in plain sentences: that it has no such name, that it refuses, or that it is out of order.

Every phrase is anchored at the start of a line (stripped of marks and codes), so that terms of use, which talk of
limits, names not found and refusals all the time, do not speak for the domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from dashboard.lifecycle.evidence import ErrorKind
from jobs.providers.whois.lines import Line

MAX_SENTENCE = 160
"""Characters of a line that can still be an answer rather than a part of the terms of use."""

MAX_PARAGRAPH = 4
"""Lines that may stand together and still be answers, each by itself; of a longer paragraph only the first counts."""

_NAME = re.compile(r"(?<![\w@.-])(?:[\w-]{1,63}\.)+(?:[^\W\d_]{2,24}|xn--[\w-]+)\.?(?![\w@-])")
_LEAD = re.compile(r"^(?:[\W_]+|(?:error|info|notice|result|warning|response|status|answer|message)\b[\s:.#-]*|-?\d{1,4}\b[\s:.-]+)+")
_SUBJECT = (
    r"(?:(?:the|this|that|your|above|requested|queried|specified|such|given|searched|following|an?) )*"
    r"(?:(?:requested|queried|specified) )?"
    r"(?:domain(?: ?names?)?|objects?|records?|data|entry|entries|key|query|name|registration|information|NAME)"
    r"(?: (?:NAME|record|name|domain|data|object|information|you(?: have)? (?:requested|queried|entered)|requested|queried))*"
)
_ABSENT = (
    r"(?:not (?:be )?(?:found|registe?red|exist|known|assigned|allocated|delegated yet|present|in use|listed)"
    r"|(?:does|do|did) ?(?:not|n.?t) (?:seem to )?(?:exist|match|appear)|no(?:t|n)?[- ]?exist\w*|(?:is|are) (?:currently |still )?"
    r"(?:free|available|unregistered|unassigned|vacant|libre|frei|vrij)|has not (?:yet )?been registered|no match|not in (?:the |our )?"
    r"(?:\w+ )?(?:database|registry|zone)|no existe|no encontrado|no registrado|no esta registrado|nao encontrado|introuvable"
    r"|nicht (?:gefunden|registriert|vergeben)|niet (?:gevonden|geregistreerd)|not available in (?:our|the) (?:whois )?database"
    r"|no longer (?:exists|registered)|can be registered|unknown|ei loytynyt|nenalezen\w*|nav registr\w+|nerasta|neegzistuoja)"
)
_NOT_FOUND = re.compile(
    r"^(?:"
    r"no[ _](?:domain[ _])?(?:match(?:es|ing)?|entr(?:y|ies)|records?|objects?|results?|such[ _](?:domain|object|name|entry)"
    r"|information available about|registration|data[ _](?:was[ _]|were[ _])?found|data$|domain records? w|found|whois (?:record|data)"
    r"|domain (?:found|with)|domain$|se[ _]encontr)"
    rf"|(?:{_ABSENT})(?: (?:for|in|:|query|domain|NAME|matching|within)\b.*)?$"
    r"|not ?found\b|not registered\b|object[ _]not[ _]found|nothing (?:was )?found\b|(?:it is )?(?:available|free|unregistered)$"
    r"|(?:is )?available for (?:registration|purchase)$"
    rf"|{_SUBJECT}[\s:-]*(?:(?:was|is|were|are|has|have|could|can|cannot|currently|yet) ?)*{_ABSENT}"
    r"|we do not have an? (?:entry|record)|(?:i|we) (?:did not|could not|can ?not|have not|couldn.t) f(?:ind|ound)"
    r"|(?:sorry|unfortunately)[, ]+(?:no |the )?(?:domain|match|record|NAME)s?.{0,40}(?:not found|found|no match)"
    r"|this query returned 0 objects?|0 (?:objects?|results?|records?|matches) (?:found|returned)"
    r"|(?:invalid query or )?domain(?: name)? not known in|there (?:is|are|was|were) no (?:match|record|entr|domain|data|information|object|result)"
    r"|nincs talalat|kein eintrag|keine? (?:treffer|daten)|aucun (?:enregistrement|resultat)|pas de correspondance|nao existe|brak wynikow"
    r"|ничего не наидено|не наиден|домен свободен|상기 도메인이름은 등록되어 있지 않습니다|没有找到|未注册|該当するデータ"
    r")"
)
_NEVER_ABSENT = re.compile(
    r"\b(?:server|host|page|file|url|service|nameservers?|contact|handle|person|command|option)\b.{0,20}\b(?:not|no)\b"
    r"|^no (?:match|entries|records?|data|results?|information)\b.{0,60}\b(?:contact|handle|nameserver|name server|host|ip address|asn)\b"
    r"|not (?:currently )?available (?:for|to be)|not free|try again|later\b|temporar|\bif\b|\bmay\b|\bwhether\b"
)
_TAKEN = re.compile(
    rf"^{_SUBJECT} (?:is|has|has been|has already been|already)(?: already| currently| been)* "
    r"(?:registered|taken|in use|active|assigned|delegated|not available|unavailable)\b(?! for registration)(?!.*database)"
    r"|^(?:already )?registered$|^(?:not available|unavailable)$"
)
_RESERVED = re.compile(
    rf"^(?:{_SUBJECT} )?(?:is |are |has been |have been )?(?:currently |a |an )*"
    r"(?:reserved|restricted|blocked|forbidden|prohibited|not (?:available|open|eligible) for (?:registration|general)"
    r"|(?:can ?not|can not|may not|could not) be registered|not allowed to be registered|unavailable for registration"
    r"|withheld|banned|excluded|disallowed|premium|protected)\b"
    r"|^reserved (?:by|name|domain)|^restricted (?:name|domain)|^(?:this is a |a )?(?:reserved|restricted|premium|blocked) (?:domain|name)"
    r"|^(?:this |the )?(?:domain )?name is (?:reserved|restricted|not available|blocked)"
)

_THROTTLED = re.compile(
    r"(?:limit|quota|rate|maximum(?: number)?|allowance|allowed (?:number|queries)|threshold|number of (?:quer\w+|requests|lookups?|connections))"
    r"\b.{0,60}\b(?:exceed|reached|over|surpassed|hit|exhausted)"
    r"|(?:exceed\w*|reached|over|surpassed|exhausted|hit)\b.{0,50}\b(?:limit|quota|rate|allowed|allowance|maximum|quer\w+|requests|lookups)"
    r"|\btoo (?:many|much|fast|frequent)\b|\bslow(?:ing)? down\b|\bthrottl|\brate[- ]limit"
    r"|only \d+ (?:request|quer\w+|connection)s? (?:per|a|every)|grace period, wait|wait (?:at least )?\d+ (?:s|sec|min|hour)"
    r"|(?:query|queries|requests?|lookups?|access|connections?)\b.{0,30}\b(?:temporarily|currently) (?:denied|blocked|suspended|refused|restricted)"
    r"|excessive (?:quer|use|access|number|request)\w*.{0,40}(?:den|block|detect|from)|please (?:wait|try again (?:in|after)|retry (?:in|after))"
    r"|try again (?:in|after) \d|interval is too (?:short|small)|black ?list(?:ed)?\b|greylisted|banned for"
)
_REFUSED = re.compile(
    r"\b(?:access|request|query|connection|permission|lookup|service)\b.{0,20}\b(?:is |was |has been )?(?:denied|refused|rejected|forbidden|blocked|not (?:permitted|allowed|authori[sz]ed))"
    r"|^(?:denied|refused|forbidden|unauthori[sz]ed|not authori[sz]ed)\b|your (?:ip|address|host|network|connection)\b.{0,40}\b(?:block|ban|den|black|restrict|refus|not allowed|not permitted)"
    r"|(?:ip|address) (?:address )?(?:is |has been )?(?:blocked|banned|blacklisted|restricted)"
)
_BROKEN = re.compile(
    r"\b(?:internal|server|database|system|backend|unexpected|temporary|processing|connection|network|registry|sql|fatal|unknown|general) ?(?:\w+ )?(?:error|failure|fault|problem)\b"
    r"|\b(?:temporar(?:il)?y|currently|momentarily) (?:\w+ )?(?:unavailable|down|offline|out of (?:order|service)|not available|unable|closed|disabled)"
    r"|\b(?:server|service|database|system|whois|registry)\b.{0,30}\b(?:is |was |are )?(?:too |very |currently |down |temporarily )*(?:busy|down|unavailable|not available|offline|overload|under maintenance|not responding|unreachable|not reachable|closed)"
    r"|\bmaintenance\b|(?:could|can) ?not (?:be )?(?:connect|process|perform|complete|reach|open|execut|retriev|query|answer)\w*"
    r"|unable to (?:connect|process|perform|complete|reach|open|query|answer|retrieve|contact)|\btimed? ?out\b|\bfailed to\b"
    r"|try (?:again|your (?:query|request) again|it) ?(?:a little |some ?time |a bit )?later|service (?:has been|was) (?:discontinued|retired|terminated|decommissioned|shut)"
    r"|no longer (?:available|supported|offered|operated|in service)|(?:has|been) (?:been )?(?:replaced by|moved to) rdap|please use rdap|\bexception\b|\btraceback\b"
)
_INVALID = re.compile(
    r"\b(?:invalid|illegal|malformed|bad|incorrect|wrong|unrecogni[sz]ed|unparsable|improper|unsupported|unknown)\b.{0,30}\b"
    r"(?:quer\w+|request|input|domain|name|syntax|format|character\w*|parameter\w*|command|argument\w*|pattern|tld|object|option|label|ace|extension|zone|class)\b"
    r"|\b(?:syntax|parse|format|usage) error\b|^usage:|\bnot (?:a )?(?:valid|supported|authoritative|served|accepted|managed|handled)\b"
    r"|(?:tld|zone|extension|suffix)\b.{0,30}\bnot\b|no whois server|requests? of this client|must (?:be|contain|have|not|specify)|(?:out of|not in|outside) (?:the )?(?:scope|range|our zone)"
    r"|^(?:query|request|string|domain|name|label) (?:is )?(?:too (?:long|short)|empty|missing|incomplete)|no (?:query|name|domain|object|input|command) (?:was )?(?:given|specified|supplied|entered|provided)"
    r"|^(?:domain|query|input|request|lookup) (?:is |was )?(?:invalid|failed|incorrect|error)|does not (?:support|allow|handle|serve|accept)"
    r"|(?:cannot|can not|only) (?:look up|search|serve|answer)"
)
_LEGAL = re.compile(
    r"\b(?:agree|you may|may not|shall|reserves? the right|prohibited|under no circumstances|terms|conditions|except|purposes?|lawful|liable|guarantee"
    r"|copyright|compilation|policy|in order to|will be|might|please be advised|please note|note that|information provided|without|abuse|result in|subject to"
    r"|enable|unsolicited|disclaim|warrant|accura|facsimile|privacy|data subject|spam|cannot be held|re-?packag)\b"
)


class Verdict(StrEnum):
    """What a sentence says of the name."""

    ABSENT = "absent"
    TAKEN = "taken"
    RESERVED = "reserved"


def sentences(lines: Sequence[Line]) -> list[str]:
    """Return the lines that may be an answer: not those within long paragraphs, which are terms of use.

    In lower case, without marks in front and accents; names of domains stand as NAME.
    """
    found = (_canonical(line.text) for line in lines if line.follows_blank or line.paragraph <= MAX_PARAGRAPH)
    return [text for text in found if text and len(text) <= MAX_SENTENCE]


def _canonical(text: str) -> str:
    bare = _LEAD.sub("", _without_accents(text.lower())).replace('"', "").replace("'", "").rstrip(" .!*<;")
    named = _NAME.sub("NAME", re.sub(r"[<>\[\]()“”«»„]", " ", bare))
    return " ".join(named.replace("_", " ").split())


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    bare = "".join(ch for ch in unicodedata.normalize("NFD", text) if not unicodedata.combining(ch))
    return unicodedata.normalize("NFC", bare)


def names_in(text: str) -> list[str]:
    """Return the domain names that a line mentions, in lower case."""
    return [match.rstrip(".") for match in _NAME.findall(text.lower())]


def verdict_of(sentence: str) -> Verdict | None:
    """Return what one sentence says of the name, or None."""
    if _NEVER_ABSENT.search(sentence) is None and _NOT_FOUND.match(sentence):
        return Verdict.ABSENT
    if _RESERVED.match(sentence):
        return Verdict.RESERVED
    return Verdict.TAKEN if _TAKEN.match(sentence) else None


def trouble_of(sentence: str) -> ErrorKind | None:
    """Return the kind of fault that a sentence reports, or None."""
    if _LEGAL.search(sentence):
        return None
    rules = (
        (_THROTTLED, ErrorKind.THROTTLED),
        (_REFUSED, ErrorKind.REFUSED),
        (_BROKEN, ErrorKind.SERVER_ERROR),
        (_INVALID, ErrorKind.UNSUPPORTED),
    )
    return next((kind for pattern, kind in rules if pattern.search(sentence)), None)
