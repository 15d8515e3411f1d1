"""Large mailbox providers: a lapse reported of one is the reporter's fault, so it never becomes a case."""

from __future__ import annotations

_FAMILIES = {
    "outlook": """com at be cl co.id co.th com.ar com.au com.br com.gr com.tr com.vn cz de dk es fr hu ie in it jp kr
        lv my ph pt sa sg sk""",
    "hotmail": """com be ca ch cl co.jp co.th co.uk com.ar com.au com.br com.tr de dk es fi fr gr it nl no se sg""",
    "live": "com at be ca cl cn co.uk co.za com.ar com.au com.mx com.pt de dk fr ie in it jp nl no ru se",
    "yahoo": """com at be ca de dk es fi fr gr ie it nl no pl pt ro se co.id co.in co.jp co.kr co.nz co.th co.uk
        com.ar com.au com.br com.hk com.mx com.my com.ph com.sg com.tr com.tw com.vn""",
    "gmx": "de net com at ch us fr",
    "yandex": "ru com by kz ua",
}

_SINGLE = """
    gmail.com googlemail.com google.com
    github.com
    msn.com windowslive.com microsoft.com
    ymail.com rocketmail.com aol.com aim.com aol.de aol.fr verizon.net
    icloud.com me.com mac.com apple.com appleid.com
    proton.me protonmail.com protonmail.ch pm.me tuta.com tuta.io tutanota.com tutanota.de tutamail.com
    posteo.de posteo.net mailbox.org riseup.net hey.com fastmail.com fastmail.fm zoho.com zohomail.com zoho.eu
    mail.com email.com runbox.com
    web.de t-online.de freenet.de arcor.de bluewin.ch
    qq.com foxmail.com 163.com 126.com yeah.net 139.com 189.cn sina.com sina.cn sohu.com aliyun.com
    naver.com daum.net hanmail.net kakao.com nate.com rediffmail.com docomo.ne.jp ezweb.ne.jp nifty.com
    mail.ru bk.ru inbox.ru list.ru internet.ru ya.ru rambler.ru ukr.net i.ua
    orange.fr wanadoo.fr free.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it
    btinternet.com sky.com virginmedia.com comcast.net att.net sbcglobal.net bellsouth.net cox.net charter.net
    shaw.ca rogers.com bigpond.com optusnet.com.au
    seznam.cz email.cz centrum.cz wp.pl o2.pl onet.pl interia.pl abv.bg
    uol.com.br bol.com.br terra.com.br ig.com.br
"""

LARGE_MAILBOX_PROVIDERS = frozenset(_SINGLE.split()) | {
    f"{name}.{ending}" for name, endings in _FAMILIES.items() for ending in endings.split()
}
"""Registrable domains as A-labels; `users.noreply.github.com` reduces to `github.com`."""


def is_mailbox_provider(domain: str) -> bool:
    """Whether the registrable domain is in the shipped preset."""
    return domain in LARGE_MAILBOX_PROVIDERS
