from __future__ import annotations

import pytest

from jobs.providers.whois.labels import Role, is_generic, role_of


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Registry Expiry Date", Role.EXPIRES),
        ("paid-till", Role.EXPIRES),
        ("Record expires on", Role.EXPIRES),
        ("renewal date", Role.EXPIRES),
        ("domain_datebilleduntil", Role.EXPIRES),
        ("Fecha de Vencimiento", Role.EXPIRES),
        ("validity", Role.EXPIRES),
        ("option expiration date", Role.OTHER),
        ("free-date", Role.RELEASED),
        ("Date out of quarantine", Role.RELEASED),
        ("Registrar Registration Expiration Date", Role.REGISTRAR_EXPIRES),
        ("Creation Date", Role.REGISTERED),
        ("Domain Name Commencement Date", Role.REGISTERED),
        ("registered", Role.REGISTERED),
        ("Domain record activated", Role.REGISTERED),
        ("Created by", Role.OTHER),
        ("Registar created", Role.OTHER),
        ("last-modified", Role.CHANGED),
        ("Last update of WHOIS database", Role.OTHER),
        ("Last Updated by Registrar", Role.OTHER),
        ("Sponsoring Registrar", Role.REGISTRAR),
        ("Registrar Abuse Contact Email", Role.CONTACT),
        ("Registrant State/Province", Role.CONTACT),
        ("admin-c", Role.CONTACT),
        ("Domain Status", Role.STATUS),
        ("state", Role.STATE),
        ("nserver", Role.NAMESERVER),
        ("ns1_hostname", Role.NAMESERVER),
        ("Domain servers in listed order", Role.NAMESERVER),
        ("Primary Name Server", Role.NAMESERVER),
        ("DNSSEC", Role.OTHER),
        ("Registry Domain ID", Role.HANDLE),
        ("Registrar WHOIS Server", Role.REFERRAL),
        ("도메인이름", Role.DOMAIN),
    ],
)
def test_a_labels_words_tell_its_role(label: str, role: Role) -> None:
    assert role_of(label) is role
    assert role_of(f"  {label.upper()}....") is role


def test_plain_labels_are_not_believed_of_a_contact() -> None:
    assert is_generic("Status")
    assert not is_generic("Domain Status")
