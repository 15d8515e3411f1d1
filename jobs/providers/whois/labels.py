"""What the label of a WHOIS line means. Labels differ by server, their words far less: rules, not tables."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from jobs.providers.whois.wordings import any_of


class Role(StrEnum):
    """The use that a line is put to; `other` covers all that says nothing of the registration's state."""

    DOMAIN = "domain"
    STATUS = "status"
    STATE = "state"
    REGISTERED = "registered"
    EXPIRES = "expires"
    REGISTRAR_EXPIRES = "registrar_expires"
    CHANGED = "changed"
    TRANSFERRED = "transferred"
    RELEASED = "released"
    REGISTRAR = "registrar"
    NAMESERVER = "nameserver"
    HANDLE = "handle"
    REFERRAL = "referral"
    CONTACT = "contact"
    SECTION = "section"
    OTHER = "other"


DATED = frozenset(
    {Role.REGISTERED, Role.EXPIRES, Role.REGISTRAR_EXPIRES, Role.CHANGED, Role.TRANSFERRED, Role.RELEASED}
)
"""Roles whose value is a date."""

_GENERIC = frozenset(
    {"status", "state", "created", "registered", "changed", "updated", "modified", "expire", "expires", "name", "ns"}
    | {"last modified", "last update", "last updated", "created on", "e-mail", "registrar", "domain", "hold"}
)
"""Labels too plain to be believed inside a contact's block, which carries its own."""

_WHEN = "(?: (?:on|date|at|time|since))*"
_THING = "(?:(?:domain|record|registry|object|entry|data)(?: name)? )*"
_SERVER = "(?:name ?servers?|nservers?|dns(?: servers?)?|dns name ?servers?)"
_OF_SERVER = r"(?: (?:name|host ?name|information|ace|\d+|list|in (?:the )?listed order|listed in order|records?))"
_OF_REGISTRAR = "(?: (?:name|info(?:rmation)?|organi[sz]ation|of record))"
_OF_STATUS = "(?:domain|query|registration|registry|current|ren|epp|domain name|dns)"

# Tried in this order; each is searched in the label's words (lower case, one blank between them).
_RULES: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(any_of(*patterns)))
    for role, patterns in (
        (
            Role.RELEASED,
            (
                r"^(?:domain )?free date$|^date to release$|^releas(?:e|ed|es)(?: date| on)?$",
                r"^(?:date )?out of quarantine$",
                r"\b(?:will|to) be (?:released|free|freed|deleted and released)(?: on| at| from)?$",
                r"^available (?:from|on|date)$|^domain release date$|^дата освобождения$",
            ),
        ),
        (
            Role.OTHER,
            (
                r"^(?:option|ds|dnssec|dnskey|key|trademark|ipr|date trademark|url|copyright)\b",
                r"^requested on|^processed from|trademark|database|whois (?:lookup|record)",
                r"^(?:query|request|lookup) (?:date|time)|^wipo|^ren status",
                "nsstat|nslastaa|elig|dns update|^last paid",
                "(?:registrar|registar|registrant|owner|created|updated|modified|changed) (?:created|updated)",
                r"\b(?:created|updated|modified|changed|registered|paid|last updated|last changed)(?: \w+)? by\b",
                r"^(?:date to delete|delete|outzone|deactivat\w+ ?date)",
            ),
        ),
        (Role.REGISTRAR_EXPIRES, ("^registrar (?:registration )?(?:expir|renew)",)),
        (
            Role.EXPIRES,
            (
                r"\b(?:expir\w+|exp date|paid ?(?:till|until)|billed ?until|registered until)\b",
                r"\b(?:date )?renewal(?: date)?\b",
                r"\bvalid(?:ity)?(?: (?:until|till|to|date|thru|through))?\b",
                r"\b(?:ends?|(?:end|term end) date|term ends?)\b",
                r"\b(?:vencimiento|caducidad|scadenza|gueltig bis|laufzeit bis|wygasa|validade)\b|datebilleduntil",
                "^renews? on|до$|사용 종료일|有効期限|到期|失效|expiração|échéance",
            ),
        ),
        (Role.HANDLE, ("^(?:(?:registry )?domain (?:name )?(?:id|identifier|handle)|roid|domain roid|object id)$",)),
        (Role.REFERRAL, ("^(?:registrar )?whois(?: server)?$|^refer(?:ral)?$|^referralserver$|^whoisserver$",)),
        (
            Role.CONTACT,
            (
                r"^(?:registrants?|admin|administrative|administrator|tech|technical|billing|owner|holder|contact|person)\b",
                r"^(?:organi[sz]ation|org|role|nic hdl|nic handle|titular|titulaire|responsible|ownerid|zone)\b",
                r"^(?:agent|reseller|tutelary|country|address|phone|fax|email|street|city|postal|voice|ced|operations)\b",
                r"^(?:registration agent|on ?site|descr|nsset|keyset|legal|abuse)\b",
                r"^(?:inhaber|propriet\w+|propietario|eigenaar|contatto)\b",
                r"^domain (?:holder|registrant|contact|owner)\b|^domaininhaber\b|^holder of domain\b|^[ptcz] ?c\b",
                r"\bcontacts?\b|^\w{1,7} c$|name of registrant|e mail|telephone",
            ),
        ),
        (
            Role.NAMESERVER,
            (
                f"^(?:domain |authoritative |host |listed |current |delegated )?{_SERVER}{_OF_SERVER}*$",
                r"^ns(?: ?(?:name|list|\d+|host))*(?: \d+)?$",
                r"^domain (?:name )?servers?\b|^host ?names?\b|^hosts?$|^dns \d+$",
                f"^(?:primary|secondary|third|fourth|fifth|prim|sec) (?:name ?)?(?:server|ns|dns){_OF_SERVER}?$",
                r"^servidor\S* (?:de nombres?|dns)|^serveurs? de noms?|^delegation|^servers$",
                "네임서버|호스트이름|ネームサーバ",
                r"^name servers?\b.*order|^dnsservers?$",
            ),
        ),
        (
            Role.REGISTRAR,
            (
                f"^(?:sponsoring |current |domain |authorized |last )?registr?ars?{_OF_REGISTRAR}?$",
                "^registered (?:through|via|with|by)$|^registrado por$|^registration service|^authorized agency$",
                "^bureau d enregistrement$|^등록대행자$",
            ),
        ),
        (Role.TRANSFERRED, (r"\btransfer(?:red)?\b(?!.*(?:lock|prohibit|code|key))",)),
        (
            Role.REGISTERED,
            (
                f"^(?:first |initial ){_THING}registration{_WHEN}$",
                f"^{_THING}(?:creat(?:ed|ion|e)|ac?t?ivat(?:ed|ion)|registered|registration|delegated|approved){_WHEN}$",
                r"^(?:date|time) (?:of )?(?:registered|registration|creat\w+|approved)|commencement date$",
                r"^fecha de (?:registro|creacion|creación|alta)",
                r"^data (?:de |di )?(?:criação|criacao|registr\w+|registo)",
                "^(?:domain )?date ?registered$|^connected date$|^assigned(?: date)?$|^date de (?:creation|création)",
                "등록일|登録年月日|注册日期",
            ),
        ),
        (
            Role.CHANGED,
            (
                f"^{_THING}(?:last )?(?:changed?|updated?|modif(?:ied|y|ication)){_WHEN}$",
                "^domain datelastmodified$|^last (?:modified|modification|change|edited)|^date updated$",
                "^fecha de (?:ultima )?(?:modificacion|actualizacion)|최근 정보 변경일|最終更新",
            ),
        ),
        (
            Role.STATUS,
            (
                f"^(?:{_OF_STATUS} ?)?status(?:es)?(?: (?:code|information))?$",
                "^(?:estatus|estado|situacao|situação|statut|stato|stan)(?: (?:(?:del|do|du) )?(?:dom\\w+|status))?$",
                "^eppstatus$|^domaintype$|状態",
            ),
        ),
        (Role.STATE, ("^(?:domain )?state$|^hold$",)),
        (
            Role.DOMAIN,
            (
                r"^domain(?: ?name)?(?: (?:ace|ascii|punycode))?$",
                r"^complete domain name$|^domain \(ace\)$|^ascii(?: domain)?$",
                "^(?:nombre del? dominio|dominio|nom de domaine|domaine|domena|domæne|domän)$",
                "^(?:도메인이름|query|ace|idn|object)$",
                "^nome (?:de|do) dom[ií]nio(?: domain name)?$",
            ),
        ),
        (Role.SECTION, ("^(?:relevant dates|important dates|dates|domain information|domain record)$",)),
    )
)


def plain_label(text: str) -> str:
    """Return a label in lower case with single blanks: no dots, underscores, hyphens or `the`."""
    words = re.split(r"[\s._\-/*]+", text.lower().strip(" .:*\t[]"))
    return " ".join(word for word in words if word and word != "the")


@lru_cache(maxsize=4096)
def role_of(label: str) -> Role:
    """Return what a label (in any spelling) means."""
    plain = plain_label(label)
    if not plain or len(plain) > 60:
        return Role.OTHER
    for role, pattern in _RULES:
        if pattern.search(plain):
            return role
    return Role.OTHER


@lru_cache(maxsize=4096)
def is_generic(label: str) -> bool:
    """Whether a label is too plain to be believed in a contact's or registrar's block."""
    return plain_label(label) in _GENERIC
