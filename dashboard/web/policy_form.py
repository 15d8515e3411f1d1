"""The policy's form: what was sent, read into a policy, and what is wrong with which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.lifecycle.policy import DEFAULTS, LIMITS, Policy, from_values, problems, to_values
from dashboard.web.policy_settings import MAX_TEXT, SETTINGS, Kind, Setting


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it is shown: the text of each value, and what is wrong with which."""

    texts: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def filled(policy: Policy) -> Form:
    """Return the form with the values of `policy`."""
    return Form({name: _text(SETTINGS[name], value) for name, value in to_values(policy).items()})


def _text(setting: Setting, value: Any) -> str:
    if setting.kind is Kind.SWITCH:
        return "on" if value else ""
    return setting.text(value)


def read(sent: Mapping[str, str]) -> tuple[Policy, Form]:
    """Read a form that was sent; the policy can be used when the form has no errors."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        try:
            values[name] = setting.read(sent.get(name, "")[: MAX_TEXT * 2])
        except ValueError as error:
            errors[name] = str(error)
    policy = from_values(values, DEFAULTS.version) if not _overflows(values) else DEFAULTS
    for name, words in problems(policy).items():
        errors.setdefault(name, words)
    for name in _overflows(values):
        errors.setdefault(name, SETTINGS[name].limits)
    texts = {name: sent.get(name, "")[: MAX_TEXT * 2] for name in SETTINGS}
    return policy, Form(texts, errors, sent.get("note", ""))


def _overflows(values: Mapping[str, Any]) -> list[str]:
    """Name the hours that no span of time can hold, before one is made of them."""
    hours = values.get("evidence_max_age", 1)
    return ["evidence_max_age"] if abs(hours) > 10 * LIMITS["evidence_max_age"][1] else []
