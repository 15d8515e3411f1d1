"""The command line of the dashboard's wing: exit codes, one clear line, answers for people and machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Cli
from wsgi import lapsewatch

HEADER = "account_id,username,two_factor,last_active_at,address_id,email,verified,verified_at,primary\n"
ANN = "a1,ann,true,,e1,ann@parcels.com,true,2020-01-02T03:04:05Z,true\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text(HEADER + ANN)
    return path


@pytest.fixture
def index(cli: Cli) -> Cli:
    """The command line, with a source `index` added."""
    assert cli("source", "add", "index", "--name", "The Index").exit_code == 0
    return cli


def one_line(words: str) -> str:
    assert words.count("\n") == 1
    return words.strip()


def test_db_upgrade_makes_the_tables_and_then_has_nothing_to_do(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAPSEWATCH_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    refused = cli("source", "add", "index", "--name", "Index")
    assert refused.exit_code == 1
    assert "lapsewatch db upgrade" in one_line(refused.stderr)
    first, second = (json.loads(cli("db", "upgrade", "--json").stdout) for _ in range(2))
    assert (first["before"], first["revision"]) == (None, second["before"])
    assert second["revision"] == first["revision"]
    assert cli("source", "add", "index", "--name", "Index").exit_code == 0


def test_a_source_is_added_once(cli: Cli) -> None:
    assert cli("source", "add", "pypi", "--name", "Python", "--json").stdout == '{"slug": "pypi", "name": "Python"}\n'
    again = cli("source", "add", "pypi", "--name", "Python")
    assert (again.exit_code, again.stdout) == (1, "")
    assert one_line(again.stderr) == "Error: pypi: There is a source with this slug already."


@pytest.mark.parametrize(("slug", "name"), [("Py PI", "x"), ("-x", "x"), ("x" * 65, "x"), ("x", ""), ("x", "a\tb")])
def test_a_source_needs_a_proper_slug_and_name(cli: Cli, slug: str, name: str) -> None:
    result = cli("source", "add", "--name", name, "--", slug)
    assert result.exit_code == 1
    one_line(result.stderr)


def test_a_token_is_printed_and_only_its_digest_is_kept(index: Cli, environ: dict[str, str]) -> None:
    token = index("token", "create", "--source", "index", "--scope", "unverifications").stdout.strip()
    assert len(token) > 40
    with create_engine(environ["LAPSEWATCH_DATABASE_URL"]).connect() as connection:
        row = connection.execute(text("SELECT digest, prefix, scope FROM api_tokens")).one()
    assert (row.scope, token.startswith(row.prefix), token in row.digest) == ("unverifications", True, False)
    other = json.loads(index("token", "create", "--source", "index", "--scope", "unverifications", "--json").stdout)
    assert other["token"] != token


def test_a_token_of_nobody_is_refused(cli: Cli) -> None:
    result = cli("token", "create", "--source", "nowhere", "--scope", "unverifications")
    assert result.exit_code == 1
    assert "no source 'nowhere'" in one_line(result.stderr)


def test_staff_are_added_with_a_password_from_standard_input(cli: Cli) -> None:
    arguments = ("staff", "add", "ann@desk.test", "--role", "admin", "--password-stdin")
    added = cli(*arguments, text="correct horse battery\n")
    assert (added.exit_code, "correct horse" in added.output) == (0, False)
    again = cli(*arguments, text="correct horse battery\n")
    assert again.exit_code == 1
    assert "already" in one_line(again.stderr)


def test_a_short_password_is_refused(cli: Cli) -> None:
    result = cli("staff", "add", "ann@desk.test", "--role", "admin", "--password-stdin", text="short\n")
    assert result.exit_code == 1
    assert "at least" in one_line(result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("staff", "add", "ann@desk.test", "--role", "king"),
        ("source", "add", "index"),
        ("token", "create", "--source", "index", "--scope", "everything"),
        ("statistics", "export", "--month", "2026-13"),
        ("statistics", "export", "--month", "2026-11", "--format", "pdf"),
        ("import", "accounts", "file.csv"),
        ("nonsense",),
    ],
)
def test_wrong_usage_has_exit_code_two(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).exit_code == 2


def test_an_import_tells_what_it_did_and_the_second_one_that_nothing_changed(index: Cli, file: Path) -> None:
    first = index("import", "accounts", "--source", "index", str(file))
    assert (first.exit_code, first.stdout) == (
        0,
        "1 rows with 1 accounts and 1 addresses. 2 rows changed, 1 domains are new and due.\n",
    )
    second = index("import", "accounts", "--source", "index", str(file), "--json")
    told = json.loads(second.stdout)
    assert (told["unchanged"], told["rows"], told["changed"], told["rejects"]) == (True, 1, 0, None)


def test_an_import_reads_standard_input(index: Cli) -> None:
    result = index("import", "accounts", "--source", "index", "-", "--json", text=(HEADER + ANN).encode())
    assert json.loads(result.stdout)["addresses"] == 1


def test_rejected_rows_are_told_of_beside_the_file(index: Cli, file: Path) -> None:
    rows = "".join(ANN.replace("e1", f"e{n}") for n in range(2, 30))
    file.write_text(HEADER + ANN + "nonsense\n" + rows)
    result = index("import", "accounts", "--source", "index", str(file), "--json")
    rejects = Path(json.loads(result.stdout)["rejects"])
    assert (rejects.name, rejects.read_text().splitlines()[1][:4]) == ("accounts.csv.rejects.csv", "3,ha")


def test_a_bad_file_is_refused_in_one_line(index: Cli, file: Path) -> None:
    file.write_text(HEADER + "nonsense\n")
    result = index("import", "accounts", "--source", "index", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "1 of 1 rows are bad" in one_line(result.stderr)


def test_no_other_file_is_taken_for_rejects(index: Cli, file: Path) -> None:
    result = index("import", "accounts", "--source", "index", str(file), "--rejects", str(file))
    assert result.exit_code == 1
    assert "is not a rejects file" in one_line(result.stderr)
    assert file.read_text() == HEADER + ANN


def test_unknown_columns_are_named_on_standard_error(index: Cli, file: Path) -> None:
    file.write_text(HEADER.replace("\n", ",colour\n") + ANN.replace("\n", ",red\n"))
    result = index("import", "accounts", "--source", "index", str(file), "--json")
    assert result.stderr == "Note: column colour is not known and was ignored.\n"
    json.loads(result.stdout)


def test_packages_are_imported(index: Cli, file: Path, tmp_path: Path) -> None:
    index("import", "accounts", "--source", "index", str(file))
    packages = tmp_path / "packages.csv"
    packages.write_text("account_id,name,purl,downloads_30d,last_release_at\na1,box,pkg:pypi/box,9,\n")
    result = index("import", "packages", "--source", "index", str(packages), "--json")
    assert (json.loads(result.stdout)["rows"], json.loads(result.stdout)["changed"]) == (1, 2)


def test_the_audit_chain_is_verified_and_a_break_named(index: Cli, environ: dict[str, str]) -> None:
    index("token", "create", "--source", "index", "--scope", "unverifications")
    assert index("audit", "verify").stdout.startswith("The chain holds: 2 entries")
    engine = create_engine(environ["LAPSEWATCH_DATABASE_URL"])
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
            for name in triggers.all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE audit_entries SET actor = 'staff:9' WHERE seq = 1"))
    engine.dispose()
    broken = index("audit", "verify", "--json")
    assert broken.exit_code == 1
    told = json.loads(broken.stdout)
    assert (told["ok"], told["first_bad_seq"], told["fault"]) == (False, 1, "edited")
    assert one_line(broken.stderr) == "Error: the audit chain is broken: entry 1 is edited."


def test_a_months_figures_are_exported_and_the_export_is_audited(index: Cli) -> None:
    csv = index("statistics", "export", "--month", "2026-11")
    assert csv.stdout.splitlines()[1] == "2026-11,index,0,0,0,0,0,0,0,0,"
    rows = json.loads(index("statistics", "export", "--month", "2026-11", "--format", "json").stdout)
    assert rows[0]["source"] == "index"
    assert index("audit", "verify").stdout.startswith("The chain holds: 3 entries")


def test_an_unusable_setting_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPSEWATCH_PORT", "many")
    result = cli("audit", "verify")
    assert result.exit_code == 1
    assert "LAPSEWATCH_PORT" in one_line(result.stderr)


def test_every_command_shows_an_example() -> None:
    from click import Command, Context, Group

    def leaves(command: Command, path: tuple[str, ...]) -> list[tuple[str, str]]:
        context = Context(command, info_name=path[-1])
        if not isinstance(command, Group):
            return [(" ".join(path), command.get_help(context))]
        return [
            leaf
            for name in command.list_commands(context)
            if (found := command.get_command(context, name))
            for leaf in leaves(found, (*path, name))
        ]

    found = leaves(lapsewatch, ("lapsewatch",))
    assert len(found) >= 15
    assert [name for name, words in found if name not in words] == []
