"""Reply files to normalised evidence: one file, or a manifest of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.lifecycle.hosts import reduce_host
from dashboard.times import rfc3339
from jobs.evidence.raw import RawReply, read_raw
from jobs.providers.base import MAX_REPLY

_FOUND_STATUS = 200


@dataclass(frozen=True, slots=True)
class Line:
    """What is printed of one file of a manifest; `unread` says which file could not be read, and why."""

    values: dict[str, Any]
    unread: str | None = None


def parse_file(provider: Provider, path: Path, name: str, now: datetime, *, is_tld: bool = False) -> dict[str, Any]:
    """Read the reply in `path` about the domain `name`; raises OSError where the file cannot be read.

    `is_tld`: `name` is only the top-level domain (or public suffix), the name that was asked is not known.
    """
    with path.open("rb") as file:
        body = file.read(MAX_REPLY + 1)
    asked = _suffix(name) if is_tld else _domain(name)
    if is_tld:
        # With its dot a suffix of two labels (co.jp) is not taken for the domain that was asked.
        asked = f".{asked}" if provider is Provider.WHOIS else _named_in(body) or asked
    return evidence_values(read_raw(RawReply(provider, now, _http_status(provider, body), body), asked))


def parse_batch(provider: Provider, manifest: Iterable[str], folder: Path, now: datetime) -> Iterator[Line]:
    """Read every file that a manifest lists, `{"file": path, "domain": name}` or `{"file": path, "tld": tld}` a line.

    Paths count from `folder` (the manifest's own), else from the working directory. Blank lines are passed over.
    """
    for number, text in enumerate(manifest, 1):
        if text.strip():
            yield _line(provider, text, f"line {number}", folder, now)


def _line(provider: Provider, text: str, where: str, folder: Path, now: datetime) -> Line:
    """Read what one line of a manifest names."""
    try:
        entry = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _unread(None, f"{where}: not JSON: {error}")
    match entry:
        case {"file": str(file), "domain": str(name)}:
            is_tld = False
        case {"file": str(file), "tld": str(name)}:
            is_tld = True
        case _:
            named = entry.get("file") if isinstance(entry, dict) else None
            return _unread(named, f'{where}: neither {{"file", "domain"}} nor {{"file", "tld"}}')
    try:
        return Line({"file": file, **parse_file(provider, _found(folder, file), name, now, is_tld=is_tld)})
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        return _unread(file, f"{file}: {getattr(error, 'strerror', None) or error}")


def _unread(file: object, why: str) -> Line:
    """Return the line of a file that was not read; `file` as the manifest has it, None where it names none."""
    values = {"file": file, **dict.fromkeys(_KEYS), "statuses": [], "nameservers": []}
    said = {"outcome": Outcome.ERROR.value, "phase": Phase.UNKNOWN.value, "error": f"cannot be read: {why}"}
    return Line(values | said, why)


def _found(folder: Path, file: str) -> Path:
    """Find a file by the manifest's folder first, then by the working directory."""
    beside = folder / file
    return beside if beside.exists() else Path(file)


def _domain(name: str) -> str:
    """Return the registrable domain of a host; a name that has none as it is."""
    verdict = reduce_host(name)
    return verdict.domain or verdict.host


def _suffix(tld: str) -> str:
    return reduce_host(tld.strip().lstrip(".")).host


def _named_in(body: bytes) -> str | None:
    """Return the domain that a JSON reply says it is about: what was asked is not known."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    listed = document.get("status") if isinstance(document, dict) else None
    inner = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    sources = [document if isinstance(document, dict) else {}, inner]
    names = (source.get(key) for source in sources for key in ("ldhName", "unicodeName", "domain"))
    return next((reduce_host(name).host for name in names if isinstance(name, str) and name.strip()), None)


def _http_status(provider: Provider, body: bytes) -> int | None:
    """Return the status a reply came with, as far as its body tells: RDAP repeats it in every error (RFC 9083, 6)."""
    if provider is Provider.WHOIS:
        return None
    code = _error_code(body) if provider is Provider.RDAP else None
    return code if code is not None and 400 <= code <= 599 else _FOUND_STATUS


def _error_code(body: bytes) -> int | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    code = document.get("errorCode") if isinstance(document, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit():
        return int(code[:9])
    return code if isinstance(code, int) else None


_KEYS = (
    "outcome",
    "phase",
    "statuses",
    "registered_at",
    "expires_at",
    "registrar_expires_at",
    "registrar",
    "nameservers",
    "error",
)


def evidence_values(evidence: Evidence) -> dict[str, Any]:
    """Return what people and checks need of a reading, JSON-ready."""
    error = evidence.error and ": ".join(filter(None, (evidence.error.value, evidence.error_detail)))
    return {
        "outcome": evidence.outcome.value,
        "phase": evidence.phase.value,
        "statuses": list(evidence.statuses),
        "registered_at": rfc3339(evidence.registered_at),
        "expires_at": rfc3339(evidence.expires_at),
        "registrar_expires_at": rfc3339(evidence.registrar_expires_at),
        "registrar": evidence.registrar,
        "nameservers": list(evidence.nameservers),
        "error": error,
    }
