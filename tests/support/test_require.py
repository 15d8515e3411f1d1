from __future__ import annotations

import pytest

from tests.support.require import demanded

CONFTEST = 'pytest_plugins = ["tests.support.fixtures"]\n'
TEST = "def test_asks(postgres_cluster): pass\ndef test_asks_again(postgres_cluster): pass\ndef test_free(): pass\n"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"LAPSEWATCH_REQUIRE": ""}, False),
        ({"LAPSEWATCH_REQUIRE": "chromium"}, False),
        ({"LAPSEWATCH_REQUIRE": "chromium, postgres"}, True),
        ({"CI": "true"}, True),
        ({"CI": "false"}, False),
    ],
)
def test_a_need_is_demanded_by_name_or_in_ci(environ: dict[str, str], *, expected: bool) -> None:
    assert demanded("postgres", environ) is expected


@pytest.fixture
def machine_without_postgres(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("CI", "LAPSEWATCH_REQUIRE", "LAPSEWATCH_TEST_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tests.support.postgres.programs", lambda: None)
    monkeypatch.setattr("tests.support.require.missing", {})
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TEST)
    return pytester


def test_a_missing_program_skips_and_is_told_in_a_line(machine_without_postgres: pytest.Pytester) -> None:
    result = machine_without_postgres.runpytest_inprocess("-p", "no:valkey")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["Not tested with postgres: *apt-get install postgresql*", "*1 passed, 2 skipped*"])


def test_a_demanded_program_that_is_missing_fails(
    machine_without_postgres: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPSEWATCH_REQUIRE", "postgres,chromium")
    result = machine_without_postgres.runpytest_inprocess("-p", "no:valkey")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*postgres is required here, but PostgreSQL's programs were not found*"])
