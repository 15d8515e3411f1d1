"""The screens around the desk: the allow-list."""

from __future__ import annotations

from dashboard.web import allow_list

SUPPORT = (allow_list,)
