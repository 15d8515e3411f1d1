"""Why a provider gave no answer. None of these ever says anything about the domain.

ProviderError                 kind: ErrorKind, detail: clipped text, server: host[:port] or None
  +-- Timeout                 no whole answer within the time allowed
  +-- Throttled               told to slow down (429); retry_after in seconds, where the server named it
  +-- ServerError             5xx, SERVFAIL
  +-- Refused                 401, 403, DNS REFUSED
  +-- Malformed               not what the protocol says: HTML, broken JSON, an odd status, a stray redirect
  +-- WrongDomain             an answer about another domain than the one asked
  +-- TooLarge                more than 64 KiB, as sent or once decoded
  +-- ForbiddenAddress        the name leads to a private, loopback, link-local or otherwise special address
  +-- ConnectionFailed        not reached, or cut off
  +-- NotConfigured           no key
  +-- Unsupported             the provider does not serve this name (no RDAP for the TLD, 501)
  +-- NotAsked                we hold back: its pause, its budget or our breaker; retry_after in seconds
  +-- Untrusted               its server answered wrongly for a canary domain in the same batch
"""

# ruff: noqa: N818 - the tree above reads as what happened; "Error" in each name would say it thirteen times more

from __future__ import annotations

from typing import ClassVar

from dashboard.lifecycle.evidence import ErrorKind, clip


class ProviderError(Exception):
    """A look-up that failed; raise one of the subclasses. `server` is filled in by whoever knows it."""

    kind: ClassVar[ErrorKind]

    def __init__(self, detail: str, *, server: str | None = None) -> None:
        self.detail = clip(detail) or ""
        self.server = server
        super().__init__(self.detail)


class Timeout(ProviderError):
    """No whole answer within the time allowed."""

    kind = ErrorKind.TIMEOUT


class Throttled(ProviderError):
    """The server asks for a slower pace; `retry_after` is in seconds, None where it named no time."""

    kind = ErrorKind.THROTTLED

    def __init__(self, detail: str, *, retry_after: float | None = None, server: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(detail, server=server)


class ServerError(ProviderError):
    """The server failed: HTTP 5xx, SERVFAIL."""

    kind = ErrorKind.SERVER_ERROR


class Refused(ProviderError):
    """The server will not answer us: HTTP 401 or 403, DNS REFUSED."""

    kind = ErrorKind.REFUSED


class Malformed(ProviderError):
    """The reply is not what the protocol says."""

    kind = ErrorKind.MALFORMED


class WrongDomain(ProviderError):
    """The reply speaks of another domain than the one asked."""

    kind = ErrorKind.WRONG_DOMAIN


class TooLarge(ProviderError):
    """The reply exceeds the bound."""

    kind = ErrorKind.TOO_LARGE


class ForbiddenAddress(ProviderError):
    """The server's name leads to an address that must never be connected to."""

    kind = ErrorKind.FORBIDDEN_ADDRESS


class ConnectionFailed(ProviderError):
    """The server was not reached, or cut the connection."""

    kind = ErrorKind.CONNECTION


class NotConfigured(ProviderError):
    """A key that the provider needs is not set."""

    kind = ErrorKind.NOT_CONFIGURED


class Unsupported(ProviderError):
    """The provider does not serve this name."""

    kind = ErrorKind.UNSUPPORTED


class NotAsked(ProviderError):
    """We did not ask: a pause that it wanted, a budget that is spent, an open breaker, or a line that is too long."""

    kind = ErrorKind.NOT_ASKED

    def __init__(self, detail: str, *, retry_after: float | None = None, server: str | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(detail, server=server)


class Untrusted(ProviderError):
    """The same server answered wrongly for a canary domain, so that nothing it said in the batch is believed."""

    kind = ErrorKind.UNTRUSTED


def of_kind(kind: ErrorKind, detail: str) -> ProviderError:
    """Return the error of a kind."""
    return next(error for error in ProviderError.__subclasses__() if error.kind is kind)(detail)
