"""What a benchmark says: figures with their targets, for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `target` is the least it should reach, or the most where `at_most`."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self) -> str:
        """Return the figure as a line of a table."""
        text = f"  {self.name:<46} {_number(self.value):>10} {self.unit:<12}"
        if self.target is None:
            return text.rstrip()
        bound = "at most" if self.at_most else "at least"
        return f"{text} target {bound} {_number(self.target)}: {'reached' if self.reached else 'MISSED'}"

    def as_json(self) -> dict[str, Any]:
        """Return the figure as JSON-ready values."""
        values: dict[str, Any] = {"name": self.name, "value": round(self.value, 4), "unit": self.unit}
        if self.target is not None:
            values |= {"target": self.target, "at_most": self.at_most, "reached": self.reached}
        return values


@dataclass(slots=True)
class Section:
    """The figures of one benchmark, what they mean, and why any of them is missing."""

    name: str
    title: str
    notes: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def text(self) -> str:
        """Return the section for reading."""
        return "\n".join([self.title, *(f"  # {note}" for note in self.notes), *(f.line() for f in self.figures)])

    def as_json(self) -> dict[str, Any]:
        """Return the section as JSON-ready values."""
        return {
            "name": self.name,
            "title": self.title,
            "notes": self.notes,
            "figures": [figure.as_json() for figure in self.figures],
        }


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}"
