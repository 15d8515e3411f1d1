from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.queries.domains import DomainFilters, domain_count, domain_page, search_text
from tests import factories as make
from tests.conftest import START


def names(prefix: str, **cursor: str) -> list[str]:
    return [row.name for row in domain_page(db.session(), DomainFilters(prefix), size=3, **cursor).rows]


def test_a_prefix_finds_names_that_begin_with_it_and_no_others(context: Flask) -> None:
    every = ["a-b.net", "a.net", "a0.net", "ab-c.net", "ab.net", "abc.net", "ac.net", "b.net", "xn--ab-cde.net"]
    with writing() as session:
        for name in every:
            make.make_domain(session, name)
    for prefix in ("a", "ab", "ab.", "a-", "abc.net", "xn--", "zz"):
        expected = [name for name in every if name.startswith(prefix)]
        found: list[str] = []
        while page := names(prefix, **({"after": found[-1]} if found else {})):
            found += page
        assert found == expected, prefix
        assert domain_count(db.session(), DomainFilters(prefix)).value == len(expected)


def test_walking_back_from_a_name(context: Flask) -> None:
    with writing() as session:
        for letter in "abcdefg":
            make.make_domain(session, f"{letter}.net")
    assert names("", before="f.net") == ["c.net", "d.net", "e.net"]


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("  Example ", "example"),
        ("Bücher.net", "xn--bcher-kva.net"),
        ("someone@Mail.net", "mail.net"),
        ("", ""),
        ("%_", "%_"),
    ],
)
def test_what_was_typed_becomes_the_start_of_a_stored_name(typed: str, searched: str) -> None:
    assert search_text(typed) == searched


def test_overdue_is_complete_longer_than_thirty_days_ago_or_never_for_as_long(context: Flask) -> None:
    old, due = START - timedelta(days=31), START - timedelta(days=1)
    with writing() as session:
        make.make_domain(session, "late.net", completed_at=old, next_check_at=due)
        make.make_domain(session, "never.net", completed_at=None, created_at=old, next_check_at=due)
        make.make_domain(session, "new.net", completed_at=None, created_at=due, next_check_at=due)
        make.make_domain(session, "fine.net", completed_at=START - timedelta(days=29), next_check_at=due)
    page = domain_page(db.session(), DomainFilters(overdue_at=START))
    assert [row.name for row in page.rows] == ["late.net", "never.net"]
