"""`make score`: reads real WHOIS replies with known answers and counts how often the parser is right.

The replies stay outside the checkout: `../shared/data/whois/weppos` beside it, or a folder named on the command line,
holding `<server>/<tld>/<case>.txt` with `<case>.expected` next to each. Without the folder there is nothing to score.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dashboard.lifecycle.evidence import Outcome
from jobs.providers.whois.charset import decode_reply
from jobs.providers.whois.parse import WhoisReading, parse_whois

DATA = Path(__file__).resolve().parents[3] / "shared/data/whois/weppos"
NOW = datetime(2026, 11, 1, tzinfo=UTC)

_TIME = re.compile(
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ T](\d\d?):(\d\d):?(\d\d)?(?:\.\d+)?)?\s*(?:UTC|GMT|Z)?\s*([+-]\d\d):?(\d\d)?"
    r"|(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ T](\d\d?):(\d\d):?(\d\d)?)?"
)
_FAULTS = ("response_throttled?", "response_unavailable?", "response_blocked?", "response_error?")
_WORDS = ("available", "reserved", "invalid", "unavailable", "redemption", "expired", "suspended", "inactive")


@dataclass(frozen=True, slots=True)
class Case:
    """One reply and what is known of it, by property: the values that are expected, as written."""

    path: Path
    tld: str
    expected: dict[str, str]

    @property
    def kind(self) -> str:
        """The expected answer in a word."""
        if any("true" in self.expected.get(fault, "") for fault in _FAULTS):
            return "throttled or broken"
        status = self.expected.get("status", "")
        if "true" in self.expected.get("available?", ""):
            return "available"
        word = next((word for word in _WORDS if status == f"== :{word}"), None)
        if word is None:
            word = "registered" if "true" in self.expected.get("registered?", "") else "not said"
        return word


def main(arguments: Sequence[str]) -> int:
    """Score, print, and say with the exit status whether a fault or a registered name was called available."""
    folder = Path(arguments[0]) if arguments else DATA
    if not folder.is_dir():
        print(f"Nothing to score: the folder of real WHOIS replies ({folder.name}) is not there.")
        return 0
    cases = list(read_cases(folder))
    bodies = [case.path.read_bytes() for case in cases]
    started = time.perf_counter()
    readings = [
        parse_whois(decode_reply(body, case.tld.rpartition(".")[2]), f".{case.tld}", NOW)
        for case, body in zip(cases, bodies, strict=True)
    ]
    seconds = time.perf_counter() - started
    scored = list(zip(cases, readings, strict=True))
    print_table(scored)
    false = [(case, reading) for case, reading in scored if is_falsely_available(case, reading)]
    print_figures(scored, folder)
    print(f"falsely available    {len(false)}")
    for case, _ in false:
        print(f"    {case.path.relative_to(folder)}: {case.kind}")
    print(f"files a second       {len(cases) / seconds:,.0f}")
    return 1 if false else 0


def read_cases(folder: Path) -> Iterator[Case]:
    """Yield every reply below `folder`; the folders' names say which TLD it is about."""
    for path in sorted(folder.rglob("*.txt")):
        parts = path.relative_to(folder).parts[:-1]
        if parts:
            # A registrar's server has no folder for a TLD: its samples are of .com.
            yield Case(path, parts[1] if len(parts) > 1 else "com", _expected(path.with_suffix(".expected")))


def _expected(path: Path) -> dict[str, str]:
    """Read `#property` headings and the first value below each."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
        text = line.strip()
        if text.startswith("#"):
            name = text[1:].strip()
        elif text.startswith("%s") and "%CLASS" not in text:
            found.setdefault(name, text[2:].strip())
    return found


def is_falsely_available(case: Case, reading: WhoisReading) -> bool:
    """Whether a name that is held, or that nothing is known of, was called available."""
    return reading.outcome is Outcome.NOT_FOUND and case.kind not in {"available", "not said"}


def found_as(reading: WhoisReading) -> str:
    """Return the parser's answer in a word."""
    return reading.phase.value if reading.outcome is Outcome.FOUND else reading.outcome.value


def print_table(scored: Sequence[tuple[Case, WhoisReading]]) -> None:
    """Print expected answers (down) against found ones (across)."""
    counts = Counter((case.kind, found_as(reading)) for case, reading in scored)
    across = sorted({found for _, found in counts}, key=lambda name: (name not in {"not_found", "error"}, name))
    print(f"{'expected':<20} " + " ".join(f"{name[:12]:>12}" for name in across))
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:<20} " + " ".join(f"{counts[kind, name] or '':>12}" for name in across))
    print()


def print_figures(scored: Sequence[tuple[Case, WhoisReading]], folder: Path) -> None:
    """Print how much of each kind was found, and the dates that are exact."""
    for kind, right in (("available", Outcome.NOT_FOUND), ("registered", Outcome.FOUND)):
        outcomes = [reading.outcome for case, reading in scored if case.expected.get("status") == f"== :{kind}"]
        print(f"{kind + ' found':<20} {_share(outcomes.count(right), len(outcomes))}")
    expiries = [(case, "expires_on", reading.expires_at) for case, reading in scored]
    creations = [(case, "created_on", reading.registered_at) for case, reading in scored]
    for label, found in (("expiry exact", expiries), ("creation exact", creations)):
        known = [(case, expected_time(case.expected.get(name, "")), got) for case, name, got in found]
        pairs = [(case, due, got) for case, due, got in known if due is not None]
        wrong = [(case, due, got) for case, due, got in pairs if (got and got.replace(microsecond=0)) != due]
        print(f"{label:<20} {_share(len(pairs) - len(wrong), len(pairs))}")
        for case, due, got in wrong:
            print(f"    {case.path.relative_to(folder)}: expected {due}, found {got}")


def expected_time(text: str) -> datetime | None:
    """Read `%TIME{...}`; a time without a zone, or with a letter zone, is taken as UTC."""
    match = _TIME.search(text) if text.startswith("%TIME") else None
    if match is None:
        return None
    groups = match.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in (groups[:6] if groups[0] else groups[8:14]))
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if not groups[0] or not match[7]:
        return moment
    offset = timedelta(hours=abs(int(match[7])), minutes=int(match[8] or 0))
    return moment + offset if match[7].startswith("-") else moment - offset


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "none to score"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
