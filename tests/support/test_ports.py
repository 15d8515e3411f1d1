from __future__ import annotations

import socket

from tests.support.ports import RANGE, free_port


def test_a_port_is_free_and_the_system_gives_it_to_nobody_else() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) > 1
    handed_out = [32_768, 60_999]
    if RANGE.exists():
        handed_out = [int(word) for word in RANGE.read_text().split()]
    for port in ports:
        assert handed_out[0] < 15_000 or port < handed_out[0]
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port
