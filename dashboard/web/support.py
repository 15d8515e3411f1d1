"""The screens around the desk: the allow-list, accounts for support, and reveals of addresses."""

from __future__ import annotations

from dashboard.web import accounts, allow_list, reveal

SUPPORT = (allow_list, accounts, reveal)
