"""Settings: read once from the environment, frozen; a bad value stops the start with one clear line."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from dashboard.lifecycle.schedule import FAST_DROPPING, SchedulePolicy

T = TypeVar("T")
PREFIX = "LAPSEWATCH_"
SHORTEST_SECRET = 32
PROVIDER_ORDER = (("rdap", "whois", "dns"), ("fastly", "domainr"))
"""Cheap and free first; those that cost money only to corroborate."""


class SettingError(ValueError):
    """A setting that cannot be used; the message names it and says what it should be."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Everything that can be set from outside; never shown, for its secrets. Times are seconds unless named."""

    state_dir: Path
    database_url: str
    redis_url: str | None
    secret_key: str
    audit_key: bytes
    host: str
    port: int
    demo: bool
    clock_file: Path | None
    valkey_server: str | None
    workers: int
    cookie_secure: bool
    trusted_proxies: int
    fastly_url: str
    fastly_key: str | None
    fastly_monthly_quota: int
    domainr_url: str | None
    domainr_client_id: str | None
    domainr_rapidapi_key: str | None
    rdap_bootstrap_url: str
    whois_servers: tuple[tuple[str, tuple[str, int]], ...]
    dns_resolver: str
    dns_parent_port: int
    allowed_endpoints: frozenset[tuple[str, int]]
    providers: tuple[tuple[str, ...], ...]
    provider_rate: float
    provider_timeout: float
    check_batch: int
    sweep_seconds: float
    dns_sweep_rate: float
    lease_seconds: float
    recheck_days: int
    early_warnings_per_day: int
    schedule_policy: SchedulePolicy
    canary_registered: tuple[str, ...]
    canary_unregistered: tuple[str, ...]
    session_hours: int


class _Reader:
    """Reads `LAPSEWATCH_*` variables one by one, naming the one that is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def get(self, name: str, convert: Callable[[str], T], default: T) -> T:
        """Return the variable `LAPSEWATCH_<name>` converted, or `default` when it is unset or empty."""
        text = self.environ.get(PREFIX + name, "").strip()
        if not text:
            return default
        try:
            return convert(text)
        except ValueError as error:
            raise SettingError(f"{PREFIX}{name}: {error}") from error


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (the process environment by default); `SettingError` names what is wrong."""
    read = _Reader(os.environ if environ is None else environ)
    state_dir = read.get("STATE_DIR", Path, Path("var/run")).absolute()
    secret = read.get("SECRET_KEY", _long_secret, None) or _kept_secret(state_dir, "secret_key")
    audit = read.get("AUDIT_KEY", _long_secret, None) or _kept_secret(state_dir, "audit_key")
    return Settings(
        state_dir=state_dir,
        database_url=read.get("DATABASE_URL", _database_url, f"sqlite:///{state_dir / 'lapsewatch.db'}"),
        redis_url=read.get("REDIS_URL", _redis_url, None),
        secret_key=secret,
        audit_key=audit.encode(),
        host=read.get("HOST", str, "127.0.0.1"),
        port=read.get("PORT", _port, 8000),
        demo=read.get("DEMO", _boolean, default=False),
        clock_file=read.get("CLOCK_FILE", Path, None),
        valkey_server=read.get("VALKEY_SERVER", str, None),
        workers=read.get("WORKERS", _at_least_one, 2),
        cookie_secure=read.get("COOKIE_SECURE", _boolean, default=False),
        trusted_proxies=read.get("TRUSTED_PROXIES", _not_negative, 0),
        fastly_url=read.get("FASTLY_URL", _http_url, "https://api.fastly.com"),
        fastly_key=read.get("FASTLY_KEY", str, None),
        fastly_monthly_quota=read.get("FASTLY_MONTHLY_QUOTA", _not_negative, 10_000),
        domainr_url=read.get("DOMAINR_URL", _http_url, None),
        domainr_client_id=read.get("DOMAINR_CLIENT_ID", str, None),
        domainr_rapidapi_key=read.get("DOMAINR_RAPIDAPI_KEY", str, None),
        rdap_bootstrap_url=read.get("RDAP_BOOTSTRAP_URL", _http_url, "https://data.iana.org/rdap/dns.json"),
        whois_servers=read.get("WHOIS_SERVERS", _servers, ()),
        dns_resolver=read.get("DNS_RESOLVER", _endpoint_text, "127.0.0.1:53"),
        dns_parent_port=read.get("DNS_PARENT_PORT", _port, 53),
        allowed_endpoints=read.get("ALLOWED_ENDPOINTS", _endpoints, frozenset()),
        providers=read.get("PROVIDERS", _provider_order, PROVIDER_ORDER),
        provider_rate=read.get("PROVIDER_RATE", _positive, 1.0),
        provider_timeout=read.get("PROVIDER_TIMEOUT", _positive, 30.0),
        check_batch=read.get("CHECK_BATCH", _at_least_one, 200),
        sweep_seconds=read.get("SWEEP_SECONDS", _positive, 60.0),
        dns_sweep_rate=read.get("DNS_SWEEP_RATE", _positive, 50.0),
        lease_seconds=read.get("LEASE_SECONDS", _positive, 120.0),
        recheck_days=read.get("RECHECK_DAYS", _at_least_one, 30),
        early_warnings_per_day=read.get("EARLY_WARNINGS_PER_DAY", _not_negative, 2000),
        schedule_policy=SchedulePolicy(
            weekly_before_expiry=read.get("WEEKLY_BEFORE_EXPIRY", _boolean, default=False),
            daily_in_grace=read.get("DAILY_IN_GRACE", _boolean, default=False),
            weekly_for_fast_drops=read.get("WEEKLY_FOR_FAST_DROPS", _boolean, default=False),
            fast_dropping=read.get("FAST_DROPPING_TLDS", _tlds, FAST_DROPPING),
        ),
        canary_registered=read.get("CANARY_REGISTERED", _names, ()),
        canary_unregistered=read.get("CANARY_UNREGISTERED", _names, ()),
        session_hours=read.get("SESSION_HOURS", _at_least_one, 12),
    )


def _kept_secret(state_dir: Path, name: str) -> str:
    """Return the secret kept in `state_dir/name`, made at the first start (mode 600)."""
    path = state_dir / name
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make_secret(path)
    secret = path.read_text().strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingError(
            f"{path} holds no secret of at least {SHORTEST_SECRET} characters; restore it or delete it"
        )
    return secret


def _make_secret(path: Path) -> None:
    """Write a new secret and only then give it its name: no other process may ever read half of one."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(file.name, path)


def _long_secret(text: str) -> str | None:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"must be at least {SHORTEST_SECRET} characters long")
    return text


def _database_url(text: str) -> str:
    if text.startswith("postgresql://"):
        return text.replace("postgresql://", "postgresql+psycopg://", 1)
    if text.startswith(("sqlite:///", "postgresql+psycopg://")):
        return text
    raise ValueError("must start with sqlite:/// or postgresql://")


def _redis_url(text: str) -> str | None:
    if text.startswith(("redis://", "rediss://", "unix://")):
        return text
    raise ValueError("must start with redis://, rediss:// or unix://")


def _http_url(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname:
        raise ValueError("must be an http:// or https:// address")
    return text.rstrip("/")


def _boolean(text: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError("must be a port number from 1 to 65535")
    return number


def _at_least_one(text: str) -> int:
    if int(text) < 1:
        raise ValueError("must be a whole number of at least 1")
    return int(text)


def _not_negative(text: str) -> int:
    if int(text) < 0:
        raise ValueError("must be a whole number of at least 0")
    return int(text)


def _positive(text: str) -> float:
    if not 0 < float(text) < float("inf"):
        raise ValueError("must be a number above 0")
    return float(text)


def parse_endpoint(text: str) -> tuple[str, int]:
    """Split `host:port` (`[v6]:port` too); `ValueError` when it is not one."""
    host, _, port = text.strip().rpartition(":")
    if not host:
        raise ValueError(f"{text!r} is not host:port")
    return host.strip("[]"), _port(port)


def _endpoint_text(text: str) -> str:
    parse_endpoint(text)
    return text


def _endpoints(text: str) -> frozenset[tuple[str, int]]:
    return frozenset(parse_endpoint(item) for item in text.split(",") if item.strip())


def _provider_order(text: str) -> tuple[tuple[str, ...], ...]:
    """Read `rdap whois dns, fastly domainr`: who is asked together, and after a comma who only to corroborate."""
    steps = tuple(tuple(step.lower().split()) for step in text.split(","))
    known = {name for step in PROVIDER_ORDER for name in step}
    listed = [name for step in steps for name in step]
    if not all(steps) or set(listed) - known or len(set(listed)) != len(listed):
        raise ValueError(f"must name some of {', '.join(sorted(known))}, each once, with a comma between steps")
    return steps


def _names(text: str) -> tuple[str, ...]:
    names = tuple(item.strip().lower() for item in text.split(",") if item.strip())
    for name in names:
        if "." not in name.strip(".") or not name.isascii():
            raise ValueError(f"{name!r} is not a domain name")
    return names


def _tlds(text: str) -> frozenset[str]:
    found = frozenset(item.strip().strip(".").lower() for item in text.split(",") if item.strip())
    for tld in found:
        if not tld.replace("-", "").isalnum() or not tld.isascii():
            raise ValueError(f"{tld!r} is not a top-level domain")
    return found


def _servers(text: str) -> tuple[tuple[str, tuple[str, int]], ...]:
    """Read `tld=host:port,...`; `*` stands for every TLD that is not named."""
    pairs = []
    for item in filter(str.strip, text.split(",")):
        tld, equals, endpoint = item.strip().partition("=")
        if not tld or not equals:
            raise ValueError(f"{item.strip()!r} is not tld=host:port")
        pairs.append((tld.strip().strip(".").lower(), parse_endpoint(endpoint)))
    return tuple(pairs)
