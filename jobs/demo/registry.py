"""The stand-in package registry's own address book: what it holds true about its users' addresses."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

RE_VERIFIED_AT = "2026-11-01T09:30:00Z"
RE_VERIFY_ONE_IN = 8

_TABLES = """
CREATE TABLE IF NOT EXISTS addresses (
  id TEXT PRIMARY KEY, verified INTEGER NOT NULL, verified_at TEXT, state_token TEXT,
  resets_refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS answers (item TEXT PRIMARY KEY, result TEXT NOT NULL, reason TEXT);
CREATE TABLE IF NOT EXISTS told (address TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (address, kind));
CREATE TABLE IF NOT EXISTS cursor (after INTEGER NOT NULL);
"""


class Result(StrEnum):
    """What a source may answer to an item."""

    APPLIED = "applied"
    ALREADY = "already"
    STALE = "stale"
    REJECTED = "rejected"


# Per effect: the expression that says it is done already, and the change that does it.
_EFFECTS = {
    "unverify": ("NOT verified", "verified = 0, state_token = 'unverified-' || id"),
    "block_reset": ("resets_refused", "resets_refused = 1"),
}
# Per effect: the expression that says nobody has touched the address since, and the change that undoes it.
_OPPOSITES = {
    "unverify": ("NOT verified AND state_token = 'unverified-' || id", "verified = 1, state_token = ?"),
    "block_reset": ("resets_refused", "resets_refused = 0, state_token = ?"),
}


# Per kind of notice: what the source does about it.
_NOTICES = {
    "early_warning": "asked the user for a second address",
    "takeover_suspected": "locked the account and looks into it",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one item; `reason` says why where it was not simply done."""

    result: Result
    reason: str | None = None


class Registry:
    """The address book in its own SQLite file, so that a restart forgets nothing."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def fill(self, accounts: Iterable[Mapping[str, Any]]) -> None:
        """Take over the accounts once, as they were imported; then a handful of their users verify anew."""
        rows = [
            (address["address_id"], address["verified"], address["verified_at"], address["state_token"])
            for account in accounts
            for address in account["addresses"]
        ]
        with self._db:
            if self._db.execute("SELECT 1 FROM cursor").fetchone():
                return
            columns = "(id, verified, verified_at, state_token)"
            self._db.executemany(f"INSERT INTO addresses {columns} VALUES (?, ?, ?, ?)", rows)  # noqa: S608  ours
            self._db.executemany(
                "UPDATE addresses SET verified_at = ?, state_token = 'again-' || id WHERE id = ?",
                [(RE_VERIFIED_AT, row[0]) for row in rows if row[1] and re_verifies(row[0])],
            )
            self._db.execute("INSERT INTO cursor VALUES (0)")

    @property
    def after(self) -> int:
        """The sequence number up to which everything is done and acknowledged."""
        with closing(self._db.execute("SELECT after FROM cursor")) as rows:
            return int(rows.fetchone()[0])

    @after.setter
    def after(self, seq: int) -> None:
        with self._db:
            self._db.execute("UPDATE cursor SET after = ?", (seq,))

    def answer(self, item: Mapping[str, Any]) -> Answer:
        """Do what `item` asks and return the answer; the same item again gets the same answer."""
        with self._db:
            kept = self._db.execute("SELECT result, reason FROM answers WHERE item = ?", (item["id"],)).fetchone()
            if kept:
                return Answer(Result(kept[0]), kept[1])
            answer = self._apply(item)
            self._db.execute("INSERT INTO answers VALUES (?, ?, ?)", (item["id"], answer.result.value, answer.reason))
            return answer

    def _apply(self, item: Mapping[str, Any]) -> Answer:
        if item.get("kind") == "revert":
            return self._take_back(item)
        if item.get("kind") in _NOTICES:
            return self._note(item)
        done, change = _EFFECTS[item["effect"]]
        query = f"SELECT {done}, verified_at, state_token FROM addresses WHERE id = ?"  # noqa: S608  ours
        held = self._db.execute(query, (item["address_id"],)).fetchone()
        if held is None:
            return Answer(Result.REJECTED, "no such address")
        if held[0]:
            return Answer(Result.ALREADY)
        judged = item["judged"]
        if (held[1], held[2]) != (judged["verified_at"], judged["state_token"]):
            return Answer(Result.STALE, "verified again since")
        self._db.execute(f"UPDATE addresses SET {change} WHERE id = ?", (item["address_id"],))  # noqa: S608  ours
        return Answer(Result.APPLIED)

    def _note(self, item: Mapping[str, Any]) -> Answer:
        """Take a notice: nothing is changed about the address, whatever state it is in."""
        if self._db.execute("SELECT 1 FROM addresses WHERE id = ?", (item["address_id"],)).fetchone() is None:
            return Answer(Result.REJECTED, "no such address")
        told = self._db.execute("INSERT OR IGNORE INTO told VALUES (?, ?)", (item["address_id"], item["kind"]))
        return Answer(Result.APPLIED if told.rowcount else Result.ALREADY, _NOTICES[item["kind"]])

    def _take_back(self, item: Mapping[str, Any]) -> Answer:
        """Undo what was done for the item that this one reverts, where nobody has touched the address since."""
        left, change = _OPPOSITES[item["effect"]]
        query = f"SELECT {left} FROM addresses WHERE id = ?"  # noqa: S608  ours
        held = self._db.execute(query, (item["address_id"],)).fetchone()
        if held is None:
            return Answer(Result.REJECTED, "no such address")
        if not held[0]:
            return Answer(Result.STALE, "changed by its user since")
        token = item["judged"]["state_token"]
        self._db.execute(f"UPDATE addresses SET {change} WHERE id = ?", (token, item["address_id"]))  # noqa: S608  ours
        return Answer(Result.APPLIED)


def re_verifies(address_id: str) -> bool:
    """Whether the user of this address is among those who verify anew after the import: always the same ones."""
    return hashlib.sha256(address_id.encode()).digest()[0] % RE_VERIFY_ONE_IN == 0
