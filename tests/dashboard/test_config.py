"""Settings: what is kept in the state folder, and what a setting may never give away."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.config import SettingError, load_settings


def load(state_dir: Path) -> tuple[str, bytes]:
    settings = load_settings({"LAPSEWATCH_STATE_DIR": str(state_dir)})
    return settings.secret_key, settings.audit_key


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    first = load(tmp_path / "state")
    assert len(first[0]) >= 48
    assert first[0].encode() != first[1]
    assert load(tmp_path / "state") == first
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_processes_that_start_at_once_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(load, [tmp_path / "state"] * 64))) == 1


@pytest.mark.parametrize("name", ["secret_key", "audit_key"])
@pytest.mark.parametrize("content", ["", "short\n"])
def test_a_damaged_secret_stops_the_start(tmp_path: Path, name: str, content: str) -> None:
    """An empty audit key would make the digests that stand for persons guessable by anybody."""
    (tmp_path / name).write_text(content)
    with pytest.raises(SettingError, match=name):
        load(tmp_path)


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    settings = load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_FASTLY_KEY": "the-fastly-key"})
    assert settings.secret_key not in repr(settings)
    assert "the-fastly-key" not in repr(settings)


def test_whois_servers_are_named_by_tld(tmp_path: Path) -> None:
    named = {"LAPSEWATCH_WHOIS_SERVERS": "ru=localhost:4343, .JP=[::1]:43,*=whois.test:43"}
    settings = load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), **named})
    expected = {"ru": ("localhost", 4343), "jp": ("::1", 43), "*": ("whois.test", 43)}
    assert dict(settings.whois_servers) == expected
    assert load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path)}).whois_servers == ()


@pytest.mark.parametrize(
    "text", ["ru", "ru=", "ru=localhost", "=localhost:43", "ru=localhost:port", "ru=localhost:0"]
)
def test_a_whois_server_without_tld_host_or_port_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match="LAPSEWATCH_WHOIS_SERVERS"):
        load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_WHOIS_SERVERS": text})
