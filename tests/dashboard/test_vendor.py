from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dashboard.vendor import Asset, VendorError, extract, in_place, main, read_manifest

ROOT = Path(__file__).resolve().parents[2]
WHEEL = "made_up-1.0-py3-none-any.whl"


def asset(path: str, content: bytes, wheel: str = WHEEL) -> Asset:
    return Asset(wheel, path, Path(path).name, hashlib.sha256(content).hexdigest())


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("made_up/a.js", b"let a")
        wheel.writestr("made_up/b.css", b"b {}")
    return folder


def test_each_file_is_taken_under_its_target_name(wheels: Path, tmp_path: Path) -> None:
    assets = (asset("made_up/a.js", b"let a"), asset("made_up/b.css", b"b {}"))
    assert not in_place(assets, tmp_path / "vendor")
    extract(assets, wheels, tmp_path / "vendor")
    assert {each.name: each.read_bytes() for each in (tmp_path / "vendor").iterdir()} == {
        "a.js": b"let a",
        "b.css": b"b {}",
    }
    assert in_place(assets, tmp_path / "vendor")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (asset("made_up/b.css", b"another"), r"made_up/b\.css in made_up-1\.0.*wrong sha256"),
        (asset("made_up/none.js", b""), r"made_up-1\.0.* has no readable made_up/none\.js"),
        (asset("made_up/b.css", b"b {}", wheel="other.whl"), r"other\.whl is missing"),
    ],
)
def test_one_bad_file_is_named_and_nothing_is_written(wheels: Path, tmp_path: Path, bad: Asset, message: str) -> None:
    with pytest.raises(VendorError, match=message):
        extract((asset("made_up/a.js", b"let a"), bad), wheels, tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_a_changed_file_is_not_in_place(wheels: Path, tmp_path: Path) -> None:
    assets = (asset("made_up/a.js", b"let a"),)
    extract(assets, wheels, tmp_path / "vendor")
    (tmp_path / "vendor" / "a.js").write_bytes(b"let it be")
    assert not in_place(assets, tmp_path / "vendor")


@pytest.mark.parametrize("line", ["one two three", "w.whl path ../outside.js " + "0" * 64, "a b c d e"])
def test_a_malformed_line_is_refused_by_number(line: str) -> None:
    with pytest.raises(VendorError, match="line 2"):
        read_manifest(f"# a comment\n{line}\n")


def test_the_shipped_manifest_pins_wheels_that_the_requirements_pin() -> None:
    pinned = {
        line.split()[0].replace("-", "_").replace("==", "-")
        for line in (ROOT / "requirements-assets.txt").read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    }
    assets = read_manifest((ROOT / "vendor.txt").read_text())
    assert {"-".join(each.wheel.split("-")[:2]) for each in assets} == pinned
    assert len({each.target for each in assets}) == len(assets)
    assert all(len(each.sha256) == 64 for each in assets)


def test_files_in_place_are_left_alone_without_asking_pip(wheels: Path, tmp_path: Path) -> None:
    extract((asset("made_up/a.js", b"let a"),), wheels, tmp_path / "static" / "vendor")
    digest = hashlib.sha256(b"let a").hexdigest()
    (tmp_path / "vendor.txt").write_text(f"{WHEEL} made_up/a.js a.js {digest}\n")
    main(tmp_path)  # there is no requirements file here for pip to read


def test_the_command_is_quiet_once_set_up() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dashboard.vendor"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
