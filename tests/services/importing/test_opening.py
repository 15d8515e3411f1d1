"""Files of every kind, packed, piped or damaged."""

from __future__ import annotations

import gzip
import io

import orjson
import pytest

from dashboard.models import Address, ImportRun
from dashboard.services.importing import ImportRefusedError
from tests.services.importing.conftest import ANN, BOB, CTX, HEADER, Importer, count, good_rows


@pytest.mark.parametrize("name", ["accounts.csv.gz", "accounts.CSV"])
def test_packed_files_are_read_too(importer: Importer, name: str) -> None:
    assert importer.rows(ANN, BOB, name=name).rows == 2


def test_a_pipe_may_carry_any_format(importer: Importer) -> None:
    text = f"\n{HEADER}\n{ANN}\n".encode().lstrip()
    assert importer.accounts(io.BytesIO(text)).addresses == 1
    assert importer.accounts(io.BytesIO(gzip.compress(text))).unchanged
    assert importer.accounts(io.BytesIO(b"\xef\xbb\xbf" + orjson.dumps(CTX | {"addresses": []}))).accounts == 1


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_do_no_harm(importer: Importer) -> None:
    text = b"\xef\xbb\xbf" + f"{HEADER}\r\n{ANN}\r\n\r\n{BOB}\r\n\r\n".encode()
    result = importer.accounts(importer.file("accounts.csv", text))
    assert (result.rows, result.rejected) == (2, 0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("accounts.txt", b"", "must end in .csv, .ndjson"),
        ("accounts.csv", b"", "is empty"),
        ("accounts.csv.gz", None, "cut off or damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    importer: Importer, name: str, content: bytes | None, words: str
) -> None:
    file = importer.file(name, content if content is not None else HEADER + "\n" + "\n".join(good_rows(500)))
    if content is None:
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ImportRefusedError, match=words):
        importer.accounts(file)
    assert (count(Address), count(ImportRun)) == (0, 0)


def test_a_missing_file_is_refused_with_its_name(importer: Importer) -> None:
    with pytest.raises(ImportRefusedError, match=r"gone.csv: No such file"):
        importer.accounts(importer.folder / "gone.csv")
