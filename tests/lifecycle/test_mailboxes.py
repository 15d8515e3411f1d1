from __future__ import annotations

import pytest

from dashboard.lifecycle.hosts import reduce_host
from dashboard.lifecycle.mailboxes import LARGE_MAILBOX_PROVIDERS, is_mailbox_provider

REQUIRED = """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk live.com yahoo.com yahoo.co.jp icloud.com me.com
    proton.me protonmail.com qq.com 163.com 126.com mail.ru yandex.ru gmx.de gmx.net gmx.com web.de fastmail.com zoho.com
    users.noreply.github.com privaterelay.appleid.com
"""


@pytest.mark.parametrize("host", REQUIRED.split())
def test_large_mailbox_providers_are_in_the_preset(host: str) -> None:
    domain = reduce_host(host).domain
    assert domain is not None
    assert is_mailbox_provider(domain)


def test_the_preset_holds_registrable_domains_only() -> None:
    assert {reduce_host(domain).domain for domain in LARGE_MAILBOX_PROVIDERS} == LARGE_MAILBOX_PROVIDERS


@pytest.mark.parametrize("domain", ["gmail.com.evil.net", "gmai1.com", "example.com", "com"])
def test_others_are_not(domain: str) -> None:
    assert not is_mailbox_provider(domain)
