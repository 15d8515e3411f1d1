"""Lines of any bytes: nothing lost, nothing doubled, nothing long in memory."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.services.importing import lines as module
from dashboard.services.importing.lines import MAX_LINE, Blocks, Flaw, Readable

PIECES = st.sampled_from(
    [b"a", b"\n", b"\r\n", b"\r", b"\0", b"\xff", "ü".encode(), "\u2028".encode(), b",", b'"', b"x" * 40]
)


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self.step, size or self.step))


def lines_of(stream: Readable) -> list[tuple[int, str | Flaw]]:
    return [line for block in Blocks(stream) for line in block.lines()]


def expected(data: bytes) -> list[str | Flaw]:
    """The slow way: line by line."""
    raws = data.split(b"\n")
    if not raws[-1]:
        raws.pop()
    found: list[str | Flaw] = []
    for raw in raws:
        if b"\0" in raw:
            found.append(Flaw("has a NUL byte"))
            continue
        try:
            found.append(raw.removesuffix(b"\r").decode())
        except UnicodeDecodeError:
            found.append(Flaw("is not UTF-8"))
    return found


@given(st.lists(PIECES).map(b"".join), st.integers(1, 50))
def test_any_bytes_give_their_lines_however_they_trickle_in(data: bytes, step: int) -> None:
    blocks = Blocks(Trickle(data, step))
    found = [line for block in blocks for line in block.lines()]
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert [line for _, line in found] == expected(data)
    assert blocks.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("length", [MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_beyond_the_bound_is_a_flaw_and_the_next_one_is_read(length: int, end: bytes) -> None:
    long = b"x" * length
    data = b"first\n" + long + b"\nnext\n" + long + end
    found = [line for _, line in lines_of(io.BytesIO(data))]
    middle = long.decode() if length <= MAX_LINE else Flaw("longer than 1,048,576 bytes")
    assert found == ["first", middle, "next", middle]


def test_an_endless_line_takes_no_more_memory_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 1000)
    monkeypatch.setattr(module, "BLOCK", 100)

    class Endless:
        given = 0

        def read(self, size: int, /) -> bytes:
            self.given += size
            return b"x" * size if self.given < 50_000 else b""

    assert [line for _, line in lines_of(Endless())] == [Flaw("longer than 1,000 bytes")]
