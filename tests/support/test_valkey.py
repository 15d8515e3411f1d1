from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import redis

from tests.support import valkey


def test_the_server_answers_on_its_socket_and_nowhere_else(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert client.ping()
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_each_test_can_have_it_empty(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        client.set("left", "over")
        valkey.empty(valkey_url)
        assert client.dbsize() == 0


def test_a_server_leaves_nothing_behind() -> None:
    with valkey.temporary_valkey() as url:
        socket = Path(urlsplit(url).path)
        assert len(str(socket)) < 108
        assert socket.stat().st_mode & 0o777 == 0o700
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        with redis.Redis.from_url(url) as client:
            pid = int(client.info("server")["process_id"])
    assert not socket.parent.exists()
    assert not Path(f"/proc/{pid}").exists()
