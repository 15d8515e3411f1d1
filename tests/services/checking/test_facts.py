"""What is loaded before a domain is weighed."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from dashboard.database import db, writing
from dashboard.services.checking.facts import load_facts
from tests import factories as make
from tests.conftest import START
from tests.support import story


def test_a_mailbox_providers_addresses_are_not_loaded(context: Flask) -> None:
    with writing() as session:
        source = story.add_source(session)
        domains = [story.add_domain(session, name) for name in ("gmail.com", "small-parcels.net")]
        for domain in domains:
            story.add_accounts(session, source, domain, count=3)
        ids = [domain.id for domain in domains]
    facts = load_facts(db.session(), ids)
    assert [len(facts[ident].addresses) for ident in ids] == [0, 3]


def test_an_address_brings_the_newest_release_of_what_its_account_may_publish(context: Flask) -> None:
    with writing() as session:
        domain, source = make.make_domain(session), make.make_source(session)
        busy, idle = make.make_account(session, source), make.make_account(session, source)
        for account in (busy, idle):
            make.make_address(session, account, domain)
        for days in (30, 2):
            make.make_package(session, busy, last_release_at=START - timedelta(days=days))
        make.make_package(session, busy, last_release_at=None)
    loaded = load_facts(db.session(), [domain.id])[domain.id].addresses
    assert [address.facts.last_release_at for address in loaded] == [START - timedelta(days=2), None]
