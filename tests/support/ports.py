"""Ports for programs that are told where to listen."""

from __future__ import annotations

import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST, FEWEST = 10_000, 5_000


def free_port() -> int:
    """Return a port of 127.0.0.1 at which nobody listens, and which nobody is given by chance.

    The program that is told of it listens only seconds later. Meanwhile the system hands out port after port to
    connections and to listeners that ask for any; so it is one of those that it never hands out, where there are any.
    """
    anywhere = random.SystemRandom()
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", anywhere.randrange(LOWEST, _first_handed_out())))
            except OSError:
                continue
            return int(probe.getsockname()[1])


def _first_handed_out() -> int:
    """Return the lowest port that the system chooses by itself, or 65,536 where hardly any other is left."""
    try:
        first = int(RANGE.read_text().split()[0])
    except OSError:
        first = 32_768  # not Linux: what most have
    return first if first >= LOWEST + FEWEST else 65_536
