"""A large registry's worth of domains and cases, stored by set-based SQL (PostgreSQL)."""

from __future__ import annotations

import contextlib

import psycopg

from tests.support.postgres import conninfo

ADDRESSES_A_CASE = 3
OTHER_ADDRESSES = 5
"""One in so many of the domains without a case has an address here: the page asks for none of them."""

# Every so-manieth domain has an open case, so that their rows lie far apart on disk, as they would.
_DOMAINS = """
INSERT INTO domains (name, created_at, next_check_at, last_checked_at, failures, phase, confidence, recommendation,
                     holder_change, registered_at, expires_at, drop_at, assessment)
SELECT 'seed-' || lpad(n::text, 7, '0') || (ARRAY['.com', '.net', '.org', '.de', '.co.uk', '.nl'])[n %% 6 + 1],
       now() - interval '700 days', now() + (n %% 43200) * interval '1 minute', now() - (n %% 43200) * interval '1 minute',
       0, step.phase, 'corroborated', step.advice, 'none', now() - (n %% 4000 + 400) * interval '1 day', step.expires,
       step.drop_at,
       jsonb_build_object(
           'assessed_at', now() - (n %% 43200) * interval '1 minute', 'phase', step.phase,
           'confidence', 'corroborated', 'recommendation', step.advice, 'holder_change', 'none',
           'reasons', jsonb_build_array('RDAP (rdap.registry.example): registered, status ' || step.phase,
                                        'Fastly: status ' || step.phase, 'DNS: delegated to ns1.northgrid-dns.net'),
           'registered_at', now() - (n %% 4000 + 400) * interval '1 day', 'expires_at', step.expires,
           'registrar', 'Northgrid Names', 'handle', n || '_DOMAIN', 'predicted', jsonb_build_object('drop', NULL))
FROM generate_series(1, %(domains)s) AS n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n %% %(every)s > 0 THEN 'active' WHEN n / %(every)s %% 3 = 0 THEN 'pending_delete' ELSE 'redemption' END AS phase,
           CASE WHEN n %% %(every)s > 0 THEN 'none' ELSE 'review' END AS advice,
           now() + CASE WHEN n %% %(every)s > 0 THEN n %% 365 + 1 ELSE -40 - n / %(every)s %% 30 END * interval '1 day' AS expires,
           CASE WHEN n %% %(every)s = 0 THEN now() + (n / %(every)s %% 35) * interval '1 day' END AS drop_at
) AS step
"""

_CASES = """
INSERT INTO cases (domain_id, state, version, phase, confidence, recommendation, holder_change, risk, risk_parts,
                   opened_at, opened_why, updated_at, drop_at, addresses, accounts, only_address_accounts,
                   no_second_factor_accounts, packages, downloads_30d, tld)
SELECT id, 'open', 1, phase, confidence, recommendation, holder_change, hashint8(id) & 255,
       '[{"name": "phase", "points": 40, "why": "redemption"}, {"name": "downloads", "points": 30, "why": "30,000"}]',
       now() - (id %% 40) * interval '1 day', 'Fastly and RDAP say ' || phase, now(), drop_at, %(addresses)s,
       %(addresses)s, 1, 2, id %% 7, (hashint8(id) & 1023)::bigint * 977,
       substring(name from '[^.]+$')
FROM domains WHERE id %% %(every)s = 0 ORDER BY id
"""

_OPENINGS = "INSERT INTO case_openings (case_id, opened_at, why) SELECT id, opened_at, opened_why FROM cases"

_EVENTS = """
INSERT INTO lifecycle_events (domain_id, key, kind, at, summary, detail)
SELECT d.id, 'phase@' || step.days, 'phase', now() - step.days * interval '1 day',
       step.was || ' became ' || step.became, jsonb_build_object('old', step.was, 'new', step.became)
FROM domains AS d
CROSS JOIN (VALUES (300, 'unknown', 'active'), (75, 'active', 'auto_renew_grace'), (20, 'auto_renew_grace', 'redemption'))
    AS step (days, was, became)
WHERE d.id %% %(every)s = 0
"""

_EVIDENCE = """
INSERT INTO evidence (domain_id, provider, digest, normalised, raw, raw_digest, first_seen_at, last_seen_at, readings)
SELECT d.id, p.name, md5(d.id || p.name) || md5(p.name || d.id),
       jsonb_build_object('provider', p.name, 'domain', d.name, 'outcome', 'found', 'phase', d.phase, 'statuses',
                          jsonb_build_array(d.phase), 'nameservers', jsonb_build_array('ns1.northgrid-dns.net')),
       convert_to(repeat(d.name || ' ', 20), 'UTF8'), md5(d.name) || md5(p.name), now() - interval '90 days', now(), 90
FROM domains AS d CROSS JOIN (VALUES ('fastly'), ('rdap'), ('dns')) AS p (name)
WHERE d.id %% %(every)s = 0
"""

_ACCOUNTS = """
INSERT INTO accounts (source_id, external_id, username, two_factor, last_active_at, account_created_at)
SELECT 1, 'acc-' || n, 'user' || n, n %% 3 = 0, now() - (n %% 900) * interval '1 day', now() - interval '1500 days'
FROM generate_series(1, %(accounts)s) AS n
"""

_ADDRESSES = """
INSERT INTO addresses (source_id, account_id, external_id, local_part, host, domain_id, verified, verified_at,
                       first_verified_at, is_primary)
SELECT 1, row_number() OVER () %% %(accounts)s + 1, 'addr-' || id || '-' || n, 'user', name, id, true,
       now() - interval '800 days', now() - interval '800 days', n = 1
FROM domains CROSS JOIN LATERAL generate_series(
    1, CASE WHEN id %% %(every)s = 0 THEN %(addresses)s WHEN id %% %(others)s = 0 THEN 1 ELSE 0 END) AS n
"""

_SOURCE = "INSERT INTO sources (slug, name, created_at, last_seq) VALUES ('bench', 'Bench', now(), 0)"


def store(url: str, domains: int, open_cases: int) -> None:
    """Fill a fresh database with `domains`, of which `open_cases` have an open case with all that belongs to it."""
    given = {
        "domains": domains,
        "every": domains // open_cases,
        "accounts": domains // 4,
        "addresses": ADDRESSES_A_CASE,
        "others": OTHER_ADDRESSES,
    }
    steps = (_SOURCE, _DOMAINS, _CASES, _OPENINGS, _EVENTS, _EVIDENCE, _ACCOUNTS, _ADDRESSES)
    with psycopg.connect(conninfo(url), autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for statement in steps:
            connection.execute(statement, given if "%(" in statement else None)
        connection.execute("VACUUM ANALYZE")
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("CHECKPOINT")  # else what was just stored is written out while the page is timed
