"""How WHOIS servers word their answers and faults: regular expressions over sentences as `phrases` prepares them.

Such a sentence is in lower case, without accents, quotes and marks in front; the names of domains stand as NAME.
"""

from __future__ import annotations

import re


def any_of(*parts: str) -> str:
    """Return a pattern that matches any of `parts`."""
    return "(?:" + "|".join(parts) + ")"


_THING = any_of(
    "domain(?: ?names?)?|objects?|records?|data|entry|entries|key|query|name|registration|information",
    r"dominio|domaine|dom[ae]n\w{0,3}|NAME",
)
SUBJECT = (
    "(?:NAME - (?=domain))?(?:(?:the|this|that|your|above|requested|queried|specified|such|given|searched"
    "|following|an?|el|le|la|il|o) )*"
    "(?:(?:premium|platinum) (?=domain))?"
    + _THING
    + any_of(
        " (?:NAME|record|name|domain|data|object|information)",
        " you(?: have)? (?:requested|queried|entered|apply)",
        " (?:requested|queried)",
    )
    + "*"
)
"""The name in question at the start of a sentence: `the requested domain NAME`."""

_FOUND_NOTHING = any_of(
    "not be found",
    "not (?:found|registe?red|exist|known|assigned|allocated|delegated yet|present|in use|listed)",
    "(?:does|do|did) ?(?:not|n.?t) (?:seem to )?(?:exist|match|appear)",
    r"no(?:t|n)?[- ]?exist\w*",
    "(?:is|are) (?:currently |still )?(?:free|available|unregistered|unassigned|vacant|libre|frei|vrij)",
    "has not (?:yet )?been registered",
    "no match",
    r"not in (?:the |our )?(?:\w+ )?(?:database|registry)",
    "not available in (?:our|the) (?:whois )?database",
    "no (?:matching )?(?:entries|entry|records?|data|match|objects?|information) (?:was |were )?found",
    "no longer (?:exists|registered)",
    "can be registered",
    "unknown",
    "no existe|no se encuentra|no encontrado|no registrado|no esta registrado|nao encontrado|introuvable",
    "nicht (?:gefunden|registriert|vergeben)|niet (?:gevonden|geregistreerd)",
    r"ei (?:loytynyt|leitud|ole registreeritud)|nenalezen\w*|nav registr\w+|nerasta|neegzistuoja",
    r"nie (?:znaleziono|istnieje|jest zarejestrowana)|nije (?:registr\w+|pronad\w+)|nu (?:exista|a fost gasit)",
    r"nao (?:encontrado|registr?ado|existe)|non (?:trovato|registrato|esiste)|n.?est pas enregistre",
    r"saknas|finns inte|hittades inte|(?:finnes|findes) ikke|ikke (?:fundet|funnet|registr\w+)",
    "bulunamadi|kayitli degil",
    r"(?:libre|disponible|disponivel|frei|vrij|ledig|wolna|volna|szabad|slobod\w+|laisvas|vaba)$",
)
_HELPERS = r"(?:(?:was|is|est|esta|ist|were|are|has|have|could|can|cannot be|currently|yet)\b ?)*"
_RECORD = "(?:NAME|domain|record|object|entr|match|data)"

NOT_FOUND = re.compile(
    "^"
    + any_of(
        "no (?:domain )?" + any_of("match(?:es|ing)?", "entr(?:y|ies)", "records?", "objects?", "results?"),
        "no (?:such (?:domain|object|name|entry)|registration|whois (?:record|data|information)|se encontr)",
        "no (?:information (?:is )?available (?:about|on|for)|data (?:was |were )?found|domain records? w)",
        "no (?:found|domains? found|domain with|(?:data|domain)$)",
        f"{_FOUND_NOTHING}(?: (?:for|in|query|domain|domeny|NAME|matching|within)\\b.*)?$",
        r"not ?found\b|not registered\b|object not found|nothing (?:was )?found\b",
        "(?:it is )?(?:available|free|unregistered)$",
        f"(?:is )?available for (?:registration|purchase)$|{SUBJECT} ?- ?(?:available|free)$",
        rf"{SUBJECT}[\s-]*{_HELPERS}{_FOUND_NOTHING}",
        "we (?:do not )?have (?:an?|no) (?:entry|record)",
        "(?:(?:i|we) )?(?:did not|could not|can ?not|have not|couldn.?t|unable to) (?:f(?:ind|ound)|locate)"
        rf"\b.{{0,30}}\b{_RECORD}",
        "this query returned 0 objects?|0 (?:objects?|results?|records?|matches) (?:found|returned)",
        "(?:invalid query or )?domain(?: name)? not known in",
        "nincs talalat|kein eintrag|keine? (?:treffer|daten)|aucun (?:enregistrement|resultat)",
        "pas de correspondance|nao existe|brak wynikow",
        "ничего не наидено|(?:домен(?:ное имя)?(?: NAME)? )?(?:не (?:наиден|зарегистрирован|существует)|свободен)",
        "상기 도메인이름은 등록되어 있지 않습니다|該当するデータ",
        "(?:该|此|所查询的)?(?:域名|網域名稱)?(?:没有找到|未找到|未注册|尚未注册|未註冊|不存在)",
    )
)
"""Nobody holds the name."""

NEVER_NOT_FOUND = re.compile(
    any_of(
        r"\b(?:server|host|page|file|url|service|nameservers?|contact|handle|person|command"
        r"|option)\b.{0,20}\b(?:not|no)\b",
        r"^no (?:match|entries|records?|data|results?|information)\b.{0,60}"
        r"\b(?:contact|handle|nameserver|name server|host|ip address|asn)\b",
        "not (?:currently )?available (?:for|to be)",
        r"not free|try again|later\b|temporar|\bbecause\b|\bpossibl|"
        r"\bperhaps\b|\bprobably\b|\bmaybe\b|\bif\b|\bmay\b|\bwhether\b|\bor not\b|no registration status",
    )
)
"""The same words about something else, or with a condition."""

TAKEN = re.compile(
    "^"
    + any_of(
        rf"{SUBJECT} (?:is|has|has been|has already been|already)(?: already| currently| been)* "
        r"(?:registered|taken|in use|active|assigned|delegated)\b",
        "(?:already )?registered$",
    )
)
"""Somebody holds the name."""

RESERVED = re.compile(
    "^"
    + any_of(
        rf"(?:{SUBJECT} )?(?:is |are |was |has been |have been )?(?:currently |a |an )*"
        + any_of(
            "reserved|restricted|blocked|forbidden|prohibited|withheld|banned|excluded|disallowed|premium|protected",
            "not (?:available|open|eligible) for (?:registration|general)|unavailable for registration",
            "(?:can ?not|can not|may not|could not) be registered|not allowed to be registered",
        )
        + r"\b",
        rf"{SUBJECT} (?:is )?(?:on|in) (?:the |a |our )?(?:reserv|restrict|block|black)\w*",
        rf"(?:{SUBJECT} )?(?:is )?(?:not available|unavailable)(?! (?:in|at|on|due|to)\b)",
        "(?:this is a |a )?(?:reserved|restricted|premium|blocked) (?:by|domain|name)",
        "the registration of (?:this|the) (?:domain|name)(?: name)? is (?:restricted|blocked|prohibited|not allowed)",
    )
)
"""Nobody can register the name; that somebody holds it is not said."""

HELD_BACK = re.compile(r"\b(?:reserved|blocked|forbidden|prohibited|banned|withheld|restricted)\b")
"""Why nobody has the name, in the same breath: `The queried object does not exist: Reserved by Registry`."""

STATE = re.compile(
    rf"^{SUBJECT} (?:is|has been) (?:currently |now |still )*"
    r"((?:in |on )?(?:quarantine|redemption|hold|withdrawn|suspended|inactive|deactivated|expired|frozen"
    r"|pending ?delet(?:e|ion)|deleted))\b"
)
"""Where a registration stands, told in a sentence."""

_QUESTIONS = r"(?:quer\w+|requests?|lookups?|connections?)"

THROTTLED = re.compile(
    any_of(
        "(?:limit|quota|rate|maximum(?: number)?|allowance|allowed (?:number|queries)|threshold|number of "
        rf"{_QUESTIONS})\b.{{0,60}}\b(?:exceed|reached|over|surpassed|hit|exhausted)",
        r"(?:exceed\w*|reached|over|surpassed|exhausted|hit)\b.{0,50}"
        rf"\b(?:limit|quota|rate|allowed|allowance|maximum|{_QUESTIONS})",
        r"\btoo (?:many|much|fast|frequent\w*|often)\b|\bslow(?:ing)? down\b|\bthrottl",
        "(?:you are|you have been|being|been|^) ?rate[- ]limit",
        rf"only \d+ {_QUESTIONS} (?:per|a|every)|interval is too (?:short|small)",
        r"grace period wait|wait (?:at least )?\d+ (?:s|sec|min|hour)",
        rf"(?:{_QUESTIONS}|access)\b.{{0,30}}\b(?:temporarily|currently) "
        "(?:denied|blocked|suspended|refused|restricted)",
        r"excessive\w* (?:quer|use|access|number|request)\w*.{0,40}(?:den|block|detect|from|grace)",
        r"please (?:wait|try again (?:in|after)|retry (?:in|after))|try again (?:in|after) \d",
        r"\b(?:quer\w+|requests?|lookups?|quota)\W+0$|\b(?:remaining|left) 0\b|\b0 (?:\w+ )?(?:left|remaining)\b",
        r"black ?list(?:ed)?\b|greylisted|(?:been|is|are) banned|banned for|go away for \d",
    )
)
"""We ask too much."""

_SHUT = "(?:denied|refused|rejected|forbidden|blocked|not (?:permitted|allowed|authori[sz]ed))"

REFUSED = re.compile(
    any_of(
        rf"\b(?:access|permission|service|{_QUESTIONS})\b.{{0,25}}\b(?:is |was |has been )?{_SHUT}",
        r"\baccess (?:is|was|has been) (?:restricted|limited|withdrawn)\b",
        r"^(?:denied|refused|forbidden|unauthori[sz]ed|not authori[sz]ed)\b|^(?:blocked|banned)(?: until\b.*)?$",
        "^you are not (?:allowed|permitted|authori[sz]ed) to (?:use|connect)",
        r"your (?:ip|address|host|network|connection)\b.{0,40}"
        r"\b(?:block|ban|den|black|restrict|refus|not allowed|not permitted)",
        "(?:ip|address) (?:address )?(?:is |has been )?(?:blocked|banned|blacklisted|restricted)",
    )
)
"""We are not answered at all."""

_MACHINE = r"\b(?:server|service|database|system|whois|registry)\b"

BROKEN = re.compile(
    any_of(
        r"\b(?:internal|server|database|system|backend|unexpected|temporary|processing|connection|network|registry"
        r"|sql"
        r"|fatal|unknown|general) ?(?:\w+ )?(?:error|failure|fault|problem)\b",
        r"\b(?:temporar(?:il)?y|currently|momentarily) (?:\w+ )?"
        "(?:unavailable|down|offline|out of (?:order|service)|not available|unable|closed|disabled)",
        rf"{_MACHINE}.{{0,30}}\b(?:is |was |are )?(?:too |very |currently |down |temporarily )*"
        "(?:busy|down|unavailable|not available|offline|overload|under maintenance|not responding|unreachable"
        "|not reachable|closed)",
        "(?:not available|unavailable) (?:at this time|at the moment|right now)",
        r"\bmaintenance\b|\btimed? ?out\b|\bfailed to\b|\bexception\b|\btraceback\b",
        r"(?:could|can) ?not (?:be )?(?:connect|process|perform|complete|reach|open|execut|retriev|query|answer)\w*",
        "unable to (?:connect|process|perform|complete|reach|open|query|answer|retrieve|contact)",
        "try (?:again|your (?:query|request) again|it) ?(?:a little |some ?time |a bit )?later",
        "service (?:has been|was) (?:discontinued|retired|terminated|decommissioned|shut)",
        "no longer (?:available|supported|offered|operated|in service)|(?:replaced by|moved to) rdap|please use rdap",
    )
)
"""The server is out of order, or gone."""

_WRONG = (
    r"\b(?:invalid|illegal|malformed|bad|incorrect|wrong|unrecogni[sz]ed|unparsable|improper|unsupported|unknown)\b"
)

INVALID = re.compile(
    any_of(
        rf"{_WRONG}.{{0,30}}\b(?:quer\w+|request|input|domain|name|syntax|format|character\w*|parameter\w*|command"
        r"|argument\w*|pattern|tld|object|option|label|ace|extension|zone|class)\b",
        r"\b(?:syntax|parse|format|usage) error\b|^usage\b|no whois server|requests? of this client",
        r"\bnot (?:a )?(?:valid|supported|authoritative|served|accepted|managed|handled)\b",
        r"(?:tld|zone|extension|suffix)\b.{0,30}\bnot\b(?! associated with)|(?:out of|not in"
        r"|outside) (?:the )?(?:scope|range|our zone)",
        "must (?:be|contain|have|not|specify)",
        "^(?:query|request|string|domain|name|label) (?:is )?(?:too (?:long|short)|empty|missing|incomplete)",
        "no (?:query|name|domain|object|input|command) (?:was )?(?:given|specified|supplied|entered|provided)",
        "^(?:domain|query|input|request|lookup) (?:is |was )?(?:invalid|failed|incorrect|error)",
        "does not (?:support|allow|handle|serve|accept)|(?:cannot|can not|only) (?:look up|search|serve|answer)",
    )
)
"""The server does not take the question: no such zone here, or a name that it holds for none."""

PLAIN = re.compile(
    r"^(?!.*\b(?:if|may|will|should|when|case|might|shall|not)\b).*\b(?:you|your)\b.*"
    r"\b(?:was|were|has been|have been|have|has|is) (?:exceeded|reached|exhausted|blocked|banned|throttled)"
)
"""We are told that it has happened, however politely: no term of use talks so."""

LEGAL = re.compile(
    r"\b"
    + any_of(
        "agree|you may|must not|you must|may not|shall|reserves? the right|prohibited|under no circumstances|terms",
        "conditions|except|purposes?|lawful|liable|guarantee|copyright|compilation|policy|in order to|will be|might",
        "please be advised|please note|note that|information provided|without|abuse|result in|subject to|enable",
        "unsolicited|disclaim|warrant|accura|facsimile|privacy|data subject|spam|cannot be held|re-?packag",
        "through the use of|high[- ]volume|automated",
    )
    + r"\b"
)
"""Words of the terms of use, which speak of limits and refusals all the time."""
