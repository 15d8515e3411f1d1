"""Registers the API's blueprints."""

from __future__ import annotations

from flask import Flask

from dashboard.api import unverifications
from dashboard.api.problems import catch_problems


def init_api(app: Flask) -> None:
    """Mount `/api/v1`."""
    for module in (unverifications,):
        catch_problems(module.blueprint)
        app.register_blueprint(module.blueprint)
