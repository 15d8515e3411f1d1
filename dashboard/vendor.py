"""Takes htmx and Bootstrap out of hash-pinned wheels into `static/vendor/`: `python -m dashboard.vendor`.

Only the standard library is used: this runs during set-up. `vendor.txt` says which file comes from which wheel
under which name, and its sha256. Every file is checked before the first one is written.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

COLUMNS = 4


class VendorError(Exception):
    """A file could not be taken: the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One line of the manifest: the file `path` of `wheel` becomes `target`, when its bytes have `sha256`."""

    wheel: str
    path: str
    target: str
    sha256: str

    def matches(self, content: bytes) -> bool:
        """Whether `content` is exactly the file that was pinned."""
        return hashlib.sha256(content).hexdigest() == self.sha256


def read_manifest(text: str) -> tuple[Asset, ...]:
    """Read the lines `wheel path target sha256`; `#` starts a comment. `VendorError` names a malformed line."""
    assets = []
    for number, line in enumerate(text.splitlines(), start=1):
        columns = line.partition("#")[0].split()
        if not columns:
            continue
        if len(columns) != COLUMNS or Path(columns[2]).name != columns[2]:
            raise VendorError(f"vendor.txt, line {number}: expected `wheel path target sha256`, target a plain name")
        assets.append(Asset(*columns))
    return tuple(assets)


def in_place(assets: tuple[Asset, ...], into: Path) -> bool:
    """Whether every file is already in the folder `into`, unchanged."""
    return all((into / each.target).is_file() and each.matches((into / each.target).read_bytes()) for each in assets)


def extract(assets: tuple[Asset, ...], wheels: Path, into: Path) -> None:
    """Write every asset found in the folder `wheels` to `into`, or nothing at all.

    `VendorError` when a wheel or a file in it is missing, or its sha256 is not the pinned one.
    """
    contents = {each.target: _checked(each, wheels) for each in assets}
    into.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (into / name).write_bytes(content)


def _checked(asset: Asset, wheels: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheels / asset.wheel) as wheel:
            content = wheel.read(asset.path)
    except FileNotFoundError as error:
        raise VendorError(f"{asset.wheel} is missing; vendor.txt and requirements-assets.txt disagree") from error
    except (KeyError, zipfile.BadZipFile) as error:
        raise VendorError(f"{asset.wheel} has no readable {asset.path}, which vendor.txt names") from error
    if not asset.matches(content):
        raise VendorError(f"{asset.path} in {asset.wheel} is not the file pinned in vendor.txt: wrong sha256")
    return content


def download(requirements: Path, into: Path) -> None:
    """Fetch the wheels that `requirements` pins, through pip's own configuration. `VendorError` when pip fails."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(into), "-r", str(requirements)]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 (a fixed command, no shell)
        raise VendorError(f"pip could not download what {requirements.name} pins; see its message above")


def main(root: Path) -> None:
    """Bring `static/vendor/` under the checkout `root` up to date; does nothing when it already is."""
    assets = read_manifest((root / "vendor.txt").read_text())
    into = root / "static" / "vendor"
    if in_place(assets, into):
        return
    with tempfile.TemporaryDirectory() as wheels:
        download(root / "requirements-assets.txt", Path(wheels))
        extract(assets, Path(wheels), into)


if __name__ == "__main__":
    try:
        main(Path(__file__).resolve().parent.parent)
    except VendorError as problem:
        sys.exit(f"static/vendor: {problem}")
