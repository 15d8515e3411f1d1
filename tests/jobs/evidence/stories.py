"""What stories about raw replies share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.support.replies import DAY, NOW, rdap

Replies = tuple[dict[str, Any], ...]

VERISIGN = "https://rdap.verisign.com/com/v1/domain/example.com"
ELSEWHERE = "https://rdap.some-registrar.net/domain/example.com"
THROTTLED = "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\r\n"
PARKED = ("ns1.renewyourdomain.net", "ns2.renewyourdomain.net")


def days(found: dict[str, Any], what: str) -> float | None:
    """Days from NOW to a predicted date, which always has a basis."""
    predicted = found["predicted"][what]
    if predicted is None:
        return None
    assert predicted["basis"]
    return (datetime.fromisoformat(predicted["date"]) - NOW) / DAY


def due_in(found: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(found["next_check_at"]) - NOW


def sold_by_registrar() -> Replies:
    """Expired sixty days ago, auctioned, handed over to another registrar; the creation date stays."""
    return (
        rdap(ago=90, expires=60, changed=500),
        rdap("auto renew period", ago=50, expires=-305, registrar_expires=60, changed=60, ns=PARKED),
        rdap(
            ago=5,
            expires=-305,
            registrar_expires=-305,
            changed=17,
            transferred=17,
            registrar="Second Registrar",
            ns=("ns1.new.org",),
        ),
    )
