from __future__ import annotations

from jobs.providers.whois.servers import SERVERS, server_for


def test_the_settings_come_before_the_table() -> None:
    assert server_for("brelwick.ru", {}) == SERVERS["ru"]
    own = server_for("brelwick.ru", {"ru": ("localhost", 4343), "*": ("localhost", 1)})
    assert (own and own.host, own and own.port) == ("localhost", 4343)
    rest = server_for("brelwick.zz", {"*": ("localhost", 1)})
    assert (rest and rest.host, rest and rest.port) == ("localhost", 1)
    assert server_for("brelwick.zz", {}) is None


def test_every_server_gets_the_name_on_one_line() -> None:
    for server in SERVERS.values():
        query = server.query.format("brelwick.zz")
        assert "brelwick.zz" in query
        assert query.isascii()
        assert query.isprintable()
