"""What the label of a WHOIS line means. Labels differ from server to server, their words far less: rules, not tables."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


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
    REGISTRAR = "registrar"
    NAMESERVER = "nameserver"
    HANDLE = "handle"
    REFERRAL = "referral"
    CONTACT = "contact"
    SECTION = "section"
    OTHER = "other"


DATED = frozenset({Role.REGISTERED, Role.EXPIRES, Role.REGISTRAR_EXPIRES, Role.CHANGED, Role.TRANSFERRED})
"""Roles whose value is a date."""

_GENERIC = frozenset(
    {"status", "state", "created", "registered", "changed", "updated", "modified", "expire", "expires", "name", "ns"}
    | {"last modified", "last update", "last updated", "created on", "e-mail", "registrar", "domain", "hold"}
)
"""Labels too plain to be believed inside a contact's block, which carries its own."""

# Tried in this order; each is searched in the label's words (lower case, one blank between them).
_RULES: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, re.compile(pattern))
    for role, pattern in (
        (
            Role.OTHER,
            r"^(?:option|ds|dnssec|dnskey|key|trademark|ipr|date trademark|owner (?:created|updated)|url|copyright)\b"
            r"|trademark|database|whois (?:lookup|record)|^(?:query|request|lookup) (?:date|time)|^wipo|^ren status"
            r"|nsstat|nslastaa|elig|dns update|^last paid|^requested on|^processed from|out of quarantine|^free date"
            r"|(?:registrar|registar|registrant|created|updated|modified|changed) (?:created|updated)"
            r"|\b(?:created|updated|modified|changed|registered|paid|last updated|last changed)(?: \w+)? by\b"
            r"|^(?:date to (?:delete|release)|delete|outzone|deactivat\w+ ?date)",
        ),
        (Role.REGISTRAR_EXPIRES, r"^registrar (?:registration )?(?:expir|renew)"),
        (
            Role.EXPIRES,
            r"\b(?:expir\w+|exp date|paid ?(?:till|until)|valid(?:ity)?(?: (?:until|till|to|date|thru|through))?"
            r"|billed ?until|dateb?illed ?until|renewal(?: date)?|vencimiento|caducidad|expira(?:cion|cao|tion)?"
            r"|registered until|(?:ends?|end date|term ends?)|scadenza|gueltig bis|laufzeit bis|wygasa|validade)\b"
            r"|datebilleduntil|^renews? on|до$|사용 종료일|有効期限|到期|失效|expiração|expiración|échéance",
        ),
        (
            Role.HANDLE,
            r"^(?:(?:registry )?domain (?:name )?(?:id|identifier|handle)|roid|domain roid|object id)$",
        ),
        (Role.REFERRAL, r"^(?:registrar )?whois(?: server)?$|^refer(?:ral)?$|^referralserver$|^whoisserver$"),
        (
            Role.CONTACT,
            r"^(?:registrant|registrants|admin|administrative|administrator|tech|technical|billing|owner|holder|contact"
            r"|person|organi[sz]ation|org|role|nic hdl|nic handle|titular|titulaire|responsible|ownerid|domain holder"
            r"|zone|onsite|on site|agent|reseller|tutelary|country|address|phone|fax|email|street|city|postal|voice"
            r"|ced|operations|registration agent|descr|nsset|keyset|descendant|inhaber|propriet\w+|legal|abuse|propietario"
            r"|eigenaar|domain registrant|domain contact|domain owner|domaininhaber|contatto|[ptcz] ?c\b|holder of domain)"
            r"\b|\bcontacts?\b|^\w{1,7} c$|name of registrant|e mail|telephone",
        ),
        (
            Role.NAMESERVER,
            r"^(?:domain |authoritative |host |listed |current |delegated )?(?:name ?servers?|nservers?|dns(?: servers?)?"
            r"|dns name ?servers?)(?: (?:name|host ?name|information|ace|\d+|list|in (?:the )?listed order"
            r"|listed in order|records?))*$|^ns(?: ?(?:name|list|\d+|host))*(?: \d+)?$|^domain (?:name )?servers?\b"
            r"|^(?:primary|secondary|third|fourth|fifth|prim|sec)(?:ary)? (?:name ?)?(?:server|ns|dns)(?: (?:host ?)?name)?$"
            r"|^host ?names?$|^hosts?$|^servidor\S* (?:de nombres?|dns)|^serveurs? de noms?|네임서버|호스트이름|^nserver|^dns \d+$"
            r"|^name servers?\b.*order|ネームサーバ|^domain servers|^hostname\b|^delegation|^dnsservers?$",
        ),
        (
            Role.REGISTRAR,
            r"^(?:sponsoring |current |domain |authorized |last )?(?:registrar|registar)s?(?: (?:name|info(?:rmation)?"
            r"|organi[sz]ation|of record))?$|^registered (?:through|via|with|by)$|^registrado por$|^registration service"
            r"|^authorized agency$|^registrant service provider$|^bureau d enregistrement$|^등록대행자$",
        ),
        (Role.TRANSFERRED, r"\btransfer(?:red)?\b(?!.*(?:lock|prohibit|code|key))"),
        (
            Role.REGISTERED,
            r"^(?:(?:domain|record|registry|object)(?: name)? )?(?:creat(?:ed|ion|e)|ac?t?ivat(?:ed|ion)|registered|registration"
            r"|commencement|delegated)(?: (?:on|date|at|time|since))*$|^(?:date|time) (?:of )?(?:registered|registration|creat\w+)"
            r"|^fecha de (?:registro|creacion|creación|alta|activacion)|^data (?:de |di )?(?:criação|criacao|registr\w+|registo)"
            r"|^(?:domain )?date ?registered$|commencement date$|^connected date$|^assigned(?: date)?$|등록일|登録年月日|注册日期"
            r"|^date de (?:creation|création)|^entry ?created|^domain dateregistered$|^registered date$|^in use since$",
        ),
        (
            Role.CHANGED,
            r"^(?:(?:domain|record|registry|object|entry|data|last) )*(?:chang(?:ed|e)|updat(?:ed|e)|modif(?:ied|y|ication))"
            r"(?: (?:on|date|at|time))*$|^domain datelastmodified$|^last (?:modified|modification|change|edited)"
            r"|^fecha de (?:ultima )?(?:modificacion|actualizacion)|최근 정보 변경일|最終更新|^date updated$",
        ),
        (
            Role.STATUS,
            r"^(?:(?:domain|query|registration|registry|current|ren|epp|domain name|dns)[ _]?)?status(?:es)?(?: (?:code|information))?$"
            r"|^(?:estatus|estado|situacao|situação|statut|stato|stan)(?: (?:del|do|du) (?:dominio|domaine))?$|^eppstatus$|状態",
        ),
        (Role.STATE, r"^(?:domain )?state$|^hold$"),
        (
            Role.DOMAIN,
            r"^(?:domain(?: ?name)?|domain name (?:ace|ascii|punycode)|complete domain name|nombre de dominio|dominio|nom de domaine"
            r"|query|nombre del dominio|ace|domena|domaine|domæne|domän|도메인이름|domain \(ace\)|ascii domain|idn|ascii|object)$",
        ),
        (Role.SECTION, r"^(?:relevant dates|important dates|dates|domain information|domain record)$"),
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
