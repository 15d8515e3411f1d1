"""What no template may do, whoever renders it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
# A block's end takes the end of its line with it: what begins the next line is then glued to what the block wrote.
GLUED = re.compile(r"(?P<line>[^\n]*%\})\n[ \t]*(?!/?>)\S")


def glued(text: str) -> list[str]:
    """Return the lines inside of tags whose last attribute runs into the next one, as in `checkeddisabled`."""
    found = []
    for match in GLUED.finditer(text):
        before = CODE.sub("", text[: match.end("line")])
        writes = re.sub(r"\{%.*?%\}", "", match["line"]).strip()
        if writes and before.rfind("<") > before.rfind(">"):
            found.append(match["line"].strip())
    return found


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_attribute_runs_into_the_next(path: Path) -> None:
    assert not glued(path.read_text())


def test_attributes_that_run_into_each_other_are_found() -> None:
    assert glued("<input {% if a %}checked{% endif %}\n       {% if b %}disabled{% endif %}>") == [
        "<input {% if a %}checked{% endif %}"
    ]
    assert not glued(
        '<input {% if a %}checked{% endif %}>\n<p {{ "b" if b }}\n   id="c">{% if d %}e{% endif %}\nf</p>'
    )
