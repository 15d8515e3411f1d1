from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers.connection import Connection, RawReply
from jobs.providers.errors import ConnectionFailed, Malformed, ProviderError, TooLarge
from tests.jobs.providers.helpers import http_reply


class Line(asyncio.Transport):
    """The server's end: says its pieces as soon as a request is written, then hangs up if told to."""

    def __init__(self, connection: Connection, pieces: list[bytes], *, hang_up: bool) -> None:
        super().__init__()
        self.connection, self.pieces, self.hang_up = connection, pieces, hang_up

    def write(self, data: object) -> None:
        for piece in self.pieces:
            self.connection.data_received(piece)
        if self.hang_up:
            self.connection.eof_received()
            self.connection.connection_lost(None)

    def abort(self) -> None:
        self.pieces = []


def ask(*pieces: bytes, hang_up: bool = True, limit: int = 1000) -> tuple[RawReply, bool]:
    async def run() -> tuple[RawReply, bool]:
        connection = Connection()
        connection.connection_made(Line(connection, list(pieces), hang_up=hang_up))
        reply = await connection.ask(b"GET / HTTP/1.1\r\n\r\n", limit)
        return reply, connection.usable

    return asyncio.run(run())


def test_a_reply_in_any_pieces_is_the_same_reply() -> None:
    whole = http_reply({"a": 1}, content_type="application/json")
    replies = [ask(whole)[0], ask(*(whole[i : i + 1] for i in range(len(whole))))[0], ask(whole[:20], whole[20:])[0]]
    assert [reply.body for reply in replies] == [b'{"a": 1}'] * 3
    assert replies[0].headers == replies[1].headers == replies[2].headers


def test_a_connection_stays_usable_after_a_reply_with_a_length() -> None:
    assert ask(http_reply({}), hang_up=False)[1]


@pytest.mark.parametrize(
    "reply",
    [
        http_reply({}, connection="close"),
        http_reply({}) + http_reply({}),
        http_reply({}) + b"garbage",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_connection_that_may_be_out_of_step_does_not_stay(reply: bytes) -> None:
    answer, is_usable = ask(reply, hang_up=False)
    assert answer.body == b"{}"
    assert not is_usable


def test_words_out_of_turn_are_never_read_as_the_next_reply() -> Any:
    async def run() -> bool:
        connection = Connection()
        connection.connection_made(Line(connection, [http_reply({})], hang_up=False))
        await connection.ask(b"", 1000)
        connection.data_received(http_reply({}, status=404))
        return connection.usable

    assert not asyncio.run(run())


def test_chunks_and_interim_replies_are_understood() -> None:
    chunked = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert ask(chunked)[0] == RawReply(200, [(b"Transfer-Encoding", b"chunked")], b"{}")


def test_without_a_length_the_end_of_the_connection_ends_the_body() -> None:
    assert ask(b"HTTP/1.1 200 OK\r\n\r\nall of it")[0].body == b"all of it"


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"])
def test_a_reply_cut_off_is_no_reply(cut: bytes) -> None:
    with pytest.raises(ConnectionFailed):
        ask(cut) if cut else ask()


def test_something_else_than_http_is_malformed() -> None:
    with pytest.raises(Malformed):
        ask(b"220 smtp.example ESMTP\r\n")


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001],
        [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 100] * 11],
        [b"HTTP/1.1 200 OK\r\n", *[b"h: " + b"x" * 1000 + b"\r\n"] * 40],
        [b"HTTP/1.1 200 OK\r\nx: ", *[b"x" * 1000] * 40],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 2000,
    ],
    ids=["declared", "endless body", "endless head", "endless field", "endless interim replies"],
)
def test_more_than_the_bound_is_refused_wherever_it_stands(pieces: list[bytes]) -> None:
    with pytest.raises(TooLarge):
        ask(*pieces, hang_up=False)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes_give_a_reply_or_a_typed_error(pieces: list[bytes]) -> None:
    try:
        ask(*pieces)
    except ProviderError:
        return


@given(st.binary(max_size=100), st.integers(0, 200), st.lists(st.binary(max_size=50), max_size=3))
def test_any_damage_to_a_good_reply_gives_a_reply_or_a_typed_error(
    damage: bytes, where: int, tail: list[bytes]
) -> None:
    good = http_reply({"domain": "a.com"}, content_type="application/json")
    try:
        reply, _ = ask(good[:where] + damage + good[where + len(damage) :], *tail, limit=500)
    except ProviderError:
        return
    assert len(reply.body) <= 500
