"""What every value of the policy is called and means, and how it is written and read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from dashboard.lifecycle.policy import FLAG_CONFIDENCES, FLAG_PHASES, LIMITS
from dashboard.web.words import label

MAX_TEXT = 20


class Kind(StrEnum):
    """How a value is written."""

    WHOLE = "whole"
    PER_CENT = "per_cent"
    FACTOR = "factor"
    SWITCH = "switch"
    PHASE = "phase"
    CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the policy: its name in words, what it does, and its unit."""

    name: str
    kind: Kind
    label: str
    why: str
    unit: str = ""

    @property
    def choices(self) -> dict[str, str]:
        """The values of a choice, in words."""
        if self.kind is Kind.PHASE:
            return {phase.value: label(phase, "phase") for phase in FLAG_PHASES}
        if self.kind is Kind.CONFIDENCE:
            return {each.value: label(each, "confidence") for each in FLAG_CONFIDENCES}
        return {}

    @property
    def limits(self) -> str:
        """From what to what it can be set, in words; empty where there are choices."""
        if self.name not in LIMITS:
            return ""
        least, most = (self.text(limit) for limit in LIMITS[self.name])
        return f"From {least} to {most}{self.unit and f' {self.unit}'}."

    def text(self, value: Any) -> str:
        """Write a value as the form does."""
        if self.kind is Kind.PER_CENT:
            return f"{Decimal(str(value)) * 100:f}".rstrip("0").rstrip(".") if value < 1 else "100"
        if self.kind is Kind.FACTOR:
            return f"{value:g}"
        return f"{value:,}" if self.kind is Kind.WHOLE else str(value)

    def words(self, value: Any) -> str:
        """Say a value in a sentence."""
        if self.kind is Kind.SWITCH:
            return "on" if value else "off"
        return self.choices.get(str(value)) or f"{self.text(value)}{self.unit and f' {self.unit}'}"

    def read(self, text: str) -> Any:
        """Read what `text` wrote; `ValueError` when it cannot be one."""
        if self.kind is Kind.SWITCH:
            return text == "on"
        if self.kind in {Kind.PHASE, Kind.CONFIDENCE}:
            if text not in self.choices:
                raise ValueError("Choose one.")
            return text
        plain = text.strip().removesuffix("%").replace(",", "").replace(" ", "")
        try:
            number = Decimal(plain)
        except InvalidOperation:
            raise ValueError("Write a number.") from None
        if not plain.isascii() or not number.is_finite() or len(plain) > MAX_TEXT:
            raise ValueError("Write a number.")
        return self._typed(number)

    def _typed(self, number: Decimal) -> float | int:
        if self.kind is Kind.PER_CENT:
            return float(number / 100)
        if self.kind is Kind.FACTOR:
            return float(number)
        if number != number.to_integral_value():
            raise ValueError("Write a whole number.")
        return int(number)


@dataclass(frozen=True, slots=True)
class Section:
    """Values that belong together."""

    title: str
    about: str
    settings: tuple[Setting, ...]


SECTIONS = (
    Section(
        "What opens a case",
        "A change of holder and providers that contradict each other always open one. What is open stays.",
        (
            Setting("flag_phase", Kind.PHASE, "From this phase on", "A lapsing domain opens a case from here on."),
            Setting(
                "flag_confidence",
                Kind.CONFIDENCE,
                "With at least this confidence",
                "A single reading is one provider's word; corroborated are two kinds of evidence, or one kind twice "
                "a day apart.",
            ),
        ),
    ),
    Section(
        "Friction",
        "What an approval asks for grows with the addresses it un-verifies, in a single decision and in bulk alike.",
        (
            Setting("type_above", Kind.WHOLE, "The number is typed above", "Up to here a button does.", "addresses"),
            Setting(
                "second_above",
                Kind.WHOLE,
                "A second person is needed above",
                "Never the author. Nothing of more addresses is ever approved automatically.",
                "addresses",
            ),
        ),
    ),
    Section(
        "High profile",
        "Accounts behind such a package come first, need a second person, and are never approved automatically.",
        (
            Setting(
                "high_profile_downloads",
                Kind.WHOLE,
                "From so many downloads in 30 days",
                "Of any one package.",
                "downloads",
            ),
            Setting(
                "high_profile_critical",
                Kind.SWITCH,
                "Also what its source calls critical",
                "Whatever the number of downloads.",
            ),
        ),
    ),
    Section(
        "Evidence and bulk actions",
        "Older evidence is asked for anew before an effect goes out.",
        (
            Setting(
                "evidence_max_age",
                Kind.WHOLE,
                "Oldest evidence that is acted on",
                "By a registration provider; DNS does not count.",
                "hours",
            ),
            Setting(
                "abort_share",
                Kind.PER_CENT,
                "A bulk action aborts when more differs than",
                "What it meets, against what its preview showed.",
                "%",
            ),
        ),
    ),
    Section(
        "Brakes",
        "A brake goes on when more domains newly lapse within 24 hours than can be believed.",
        (
            Setting(
                "brake_share",
                Kind.PER_CENT,
                "Largest believable share",
                "Of a TLD's checked names, during the first 30 days.",
                "%",
            ),
            Setting(
                "brake_factor",
                Kind.FACTOR,
                "Largest believable multiple",
                "Of an average day of the month before, once there are 30 days.",
                "times",
            ),
            Setting("brake_minimum", Kind.WHOLE, "Never below", "Fewer new lapses never trip a brake.", "lapses"),
        ),
    ),
    Section(
        "Automatic approval",
        "Un-verifies without a person what is recommended on fresh evidence, if nobody has claimed or ever decided "
        "the case, it has no package of high profile, nothing of it is allow-listed, and no brake is on anywhere. "
        "Never during the first 30 days. Each decision names the policy's version.",
        (
            Setting("automatic", Kind.SWITCH, "Approve automatically", "Off stops it at once."),
            Setting(
                "automatic_accounts",
                Kind.WHOLE,
                "At most",
                "In any 24 hours; larger cases are left to people.",
                "accounts",
            ),
        ),
    ),
)
TITLES = {setting.name: section.title for section in SECTIONS for setting in section.settings}
"""The title that a value stands under: without it, some of their names say little."""
SETTINGS = {setting.name: setting for section in SECTIONS for setting in section.settings}
