"""How the statements of a WHOIS reply are told apart: news of the service, rules for everybody, "no such name".

Regular expressions over sentences as `phrases` prepares them; `vouch` says what follows from each.
"""

from __future__ import annotations

import re

from jobs.providers.whois.wordings import any_of

SERVICE = re.compile(
    r"\b"
    + any_of(
        # how much was asked
        r"(?:un)?limit|quota|cap(?:ped)?\b|allowance|allotment|allotted|budget|credit|exceed|surpass",
        r"exhaust|deplet|used\b|usage|overus|spent|consumed|remain|left\b|excess|throttl|slow|rate\b|ratio",
        r"too\b|many\b|much\b|frequent|fast|quick|reached|breach|overrun|threshold|maximum|max\b",
        r"per (?:second|minute|hour|day|week|month)\b|flood|burst|concurren|simultan|bandwidth",
        "rest[- ]?limit|token|tarpit|delay|backoff|cool",
        # later
        r"wait|retr(?:y|ies)|again\b|later\b|soon\b|moment|shortly|tempora|interim|meanwhile|until\b",
        "tomorrow|pending|come back|queue|scheduled|hold on|patien",
        # out of order
        r"unavail|(?:in)?accessib|down(?:time)?\b|offline|outage|maintenance|upgrad|migrat|restart|reboot",
        "busy|overload|congest|capacity|error|fail|fault|problem|issue|trouble|difficult|exception|crash",
        r"panic|broken|corrupt|damage|unable|cannot|can ?not|cant\b|could ?n.?t|could not|won.?t|did ?n.?t",
        r"unexpected|unreach|unrespons|interrupt|abort|disconnect|drop(?:ped|s)?\b|clos(?:ed|ing)|shut",
        r"stop(?:ped)?\b|kill|timeout|time ?out|timed|expired|hang|stuck|lost\b|missing|lag|stale|outdated",
        "out of|obsolet|cach(?:e|ing)|sync|replic|reload|rebuil|refresh|load|degrad|incomplete|partial",
        r"truncat|cut\b|omit|skip|suppress|fallback|fall back|failover|standby|backup|mirror|emergency",
        "incident|recover|repair|read[- ]only|unstable|unreliable|unconfirm|unverif|uncertain|unsure",
        r"unsuccess|inconclus|undetermin|indetermin|undefin|null\b|nil\b|n/a\b|empty|blank",
        "no (?:repl|respon|answer|connect|route)",
        # not for us
        r"den(?:y|ied|ies)|refus|reject|declin|forbid|block|ban(?:ned|s)?\b|black ?list|grey ?list",
        "gray ?list|deny ?list|blocklist|restrict|suspend|disabl|deactiv|terminat|cancel|revok|withdraw",
        r"withdrew|captcha|robot|bot\b|human|authentic|authoriz|authoris|unauthori|log ?in\b|sign ?in\b",
        r"password|credential|permission|permit|allow|privileg|licen[sc]e|subscri|pay(?:ment)?\b|fee\b",
        "billing|member|registered users?|white ?list|allow ?list|geo|country|region|firewall|proxy",
        "attack|abus|suspicio|violat|infring|penal|sanction|fair[- ]use|polic(?:y|ies)|filter|protect",
        r"secur|require|(?:your|this|from|the) (?:ip|address|client|host|network|connection)\b|ip address",
        r"client\b|connections?\b|session",
        r"subnet|volume from|high$|is private|on hold|see rdap|multiple match|refine|name or service|opted|arbitrat",
        # gone
        "deprecat|sunset|retir|discontin|decommission|no longer|moved|redirect|replac|superse",
        "end of (?!whois)|ceas|phas|obsolete|legacy|switch|use (?:the )?(?:rdap|web|http)|port ?43",
        # not meant
        r"test(?:ing|s)?\b|ot&?e\b|sandbox|staging|demo|simulat|dummy|mock|fake|debug|sample|example",
        "place ?holder|internal|backend|back-end|upstream|gateway|server error|warning|caution|alert",
        r"attention|sorry|apolog|regret|inconven|unfortun|status|code\b|e\d{2,}|http \d|0x|exit|invalid",
        r"illegal|malform|unsupport|unrecogn|syntax|wrong|bad\b|unknown|unspecif|unauth|ignored|discard",
        r"miss(?:ed)?\b|support (?:id|ticket)|ticket|contact (?:us|support|admin)",
    )
    + r"|\b(?:not|never|nor|instead|is above)\b|\bonly (?:for|one|\d|registr|members?|from)|\w*exception\b"
    r"|for registrars|\d+ ?/ ?\d+\b(?! ?/)|\b\d+ of \d+\b|^(?:ok|yes|no|na|done|stop)$"
)
"""Words by which a server speaks of itself and of us, its client, rather than of names and their registration."""

TERMS = re.compile(
    r"\b"
    + any_of(
        r"agree|lawful|liab\w+|guarante\w+|warrant\w*|accura\w+|purposes?|prohibited|forbidden|unsolicited",
        r"reserves?|copyright|disclaim\w*|disclosure|compilation|under no circumstances|terms|conditions",
        "in order to|accordance|facsimile|solicitations|subject to|at any time|sole discretion",
        r"please be advised|as is|epp|icann\w*|redacted|authoritative|intended|provided|facilitat\w+",
        r"unlawful|legitimate|re-?us\w+|bulk|rights|persons|if|unless|whether|when using|in case|while",
        r"should|shall|must|undertak\w+|consent|abide|prosecuted|register it",
        "please (?:visit|see|refer|consult|query the whois|be aware)|more information|further information",
        "details|accredited|high[- ]volume|competing registrars|never discloses|requests to be notified",
        "inconsistent with|legal|protected by law|process of delegation|internet community",
        "types of queries|some limited cases|domains up to|maximum of one ip|make excessive queries",
        "domain name licence|do not abuse|has been filtered|computer misuse|previously known",
        r"for example NAME|governed by|any circumstances|responsabilit\w*|marketing|register your own",
        r"suppress|limit is \d+|maximum of \d+ quer\w+|limits the number|with a delay not exceeding",
        r"only (?:accepts|contains)|infringement|bound to respect|kostenlos|recht|urheberrecht\w*",
        "vervielfaltigung|prohibid[ao]|registered office|technical maintenance|lack of a whois record",
        "privacy reasons|associated with|interzisa|exclusivamente|interdite",
        "not (?:considered|a replacement|necessarily|indicative)|accepts? (?:only|and)|query-based",
        "this is the whois server",
    )
    + r"\b|\b(?:may|might|can|could|will|would) (?:not |also |only |never |then )*"
    r"(?:be|lead|result|do|access|use|restrict|terminate|contain|include|have|lag|also)\b"
    r"|(?:access|whois|quer\w+|lookups?|requests?|connections?|services?)\b.{0,60}\b(?:is|are) (?:rate[ -])?"
    r"(?:limited|throttled|logged|monitored|restricted)$"
)
"""What terms of use and conditions are told by: rules for everybody, not news of this answer."""

UNEXCUSED = re.compile(
    r"\bwithout data\b|\bno data is\b|\bauthoritative for \.?\w+ only|\b(?:gets?|got|no|cannot|not) answers?\b"
    r"|\blet us\b|\baccept (?:the|our) |\bfrom a cache|"
    r"\bat least \d|\bdoes not mean\b|\b(?:another|next) (?:enquiry|inquiry|quer|request|lookup)"
    r"|\b(?:results?|repl(?:y|ies)|answers?|output|responses?|(?:may|might|could) be|is|are|was|were) "
    r"(?:(?:may|might|could|be|being|only|currently|possibly|perhaps|now|as|a) )*"
    r"(?:incomplete|partial|truncated|stale|outdated|cached|degraded|delayed by|unreliable|wrong)$"
    r"|\byou(?:r| have|ve)\b.{0,60}\b"
    r"(?:exceeded|reached|used|exhausted|blocked|banned|denied|refused|limited|throttled|suspended|rejected)$"
)
"""What is no rule, however it is told: the state of this answer, and what befell us."""

RULES = re.compile(
    any_of(
        r"\bguarantee (?:its|the) accuracy\b|^accuracy is not guaranteed$|not considered authoritat"
        r"|is not liable for$",
        "maximum of one ip address|domain name licence|many different competing registrars"
        "|the following whois servers$",
        "access may be withdrawn or restricted at any time|access will only be enabled for"
        "|may lag behind the register$",
        r"(?:queries|access) to the (?:whois |and |rdap )*services? (?:is|are) (?:rate )?(?:limited|throttled)$",
        "you agree to abide by|you may never do any of the following|agree not to$|if too many queries are received",
        "strictly forbidden|restricted to network administration|restricted by copyright|bound to respect the",
        "personal data are not disclosed|output has been filtered$|NAME help for|user violate these points"
        "|previously known",
        "do not abuse this service or|may (?:not|only) be used for|infringement of the|protected through the",
        "limited to the data established|(?:provided by|operated by) .* limited(?: [a-z]+)?$"
        "|^this is the whois server for",
        "intended only for query-based|suppress japanese output|data problem reporting"
        "|not be used for any commercial",
        r"subject to our policies|connections is limited$|limits the number of|limit is \d+ (?:per|a)\b",
        r"maximum of \d+ queries per|with a delay not exceeding|indicative of the availability"
        r"|accepts only (?:exact|direct)|without any guarantee|no guarantees? |registered office is at",
    )
)
"""Short rules as servers really put them: so short a sentence about the service is believed in no other wording."""

FORMS = re.compile(
    r"^rl (?:ip|net)\b|^(?:source )?ip [\d.]+$|\bqueries left [1-9]|session has been logged"
    r"|marked private or error in your|\bthis information and the NAME whois are|^gt;|^rights restricted"
    r"|^restricted rights|^whois -h NAME|^(?:whois )?(?:https?|whois|request) .{0,12}NAME\S*$"
    "|^you queried for NAME but|^request from|registry limited$"
    r"|^the queried object .* previous registration|^jours?\b|\bregistry database contains only\b"
    r"|^whois look-?up made at|^this (?:query|server) returned 0 objects|\bcodes?\b.*/epp|^hello\b"
    r"|^(?:last|record|db|query|rev) (?:up\w*|time|date\w*)|^v-[\d.]+|^rwhois\b|\bc \d{4}\b"
)
"""Set phrases of single servers."""

ABSENT = re.compile(
    "^invalid query or|^(?:no|not)$"
    r"|(?:\b(?:could|can|does|do|did|has|have|is|are|was) ?)*\b(?:not?|nothing|cannot|unknown)\b"
    r"(?: (?:yet|been|be|have|an?|any|the|such|you|longer|currently|in|our|se|esta|by|is|was|whois|matching))*"
    r"(?=$| (?:found|find|match|regist|exist|entr|record|object|data|domain|info|known|available|assigned"
    r"|allocated|locate"
    r"|delegated|listed|name\b|NAME|result|for\b|encontr|database|in (?!use)|as\b|whois))"
)
"""Words of a "no such name" that mean trouble elsewhere."""

IN_DOUBT = re.compile(r"\b(?:available|free|availability|no|not)\b.*\bunknown\b")
"""Free, or not: the reply does not know."""

SIGNS = re.compile(
    r"^\W*(?:\w+: *)?(?:[45]\d\d\W*$|\d+ ?(?:/|of|out of) ?\d+\b(?!/))"
    r"|^\W*(?:error|status|rc|code|e)\W?-?\d*\W*$|exception\b|\brc=|sqlstate|\bora-\d|errno",
    re.IGNORECASE,
)
"""Counters, codes of faults, and what broken programs print."""

CODE = re.compile(r"\b(?:4[02]\d|5[03]\d)\b")
"""The number of a fault (RFC 9110, 15)."""

READ_ELSEWHERE = re.compile(
    "인코딩|등록대행자를 통해|등록 신청하시기|トメイン名に関する情報|登録されているjpトメイン名|を管理レシストラ|参考"
    "|詳しくは"
)
"""Marks of the sentences in other scripts that servers send with every answer."""
