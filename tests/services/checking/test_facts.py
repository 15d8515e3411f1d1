"""What is loaded before a domain is weighed."""

from __future__ import annotations

from flask import Flask

from dashboard.database import db, writing
from dashboard.services.checking.facts import load_facts
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
