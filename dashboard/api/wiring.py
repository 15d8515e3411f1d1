"""Registers the API's blueprints."""

from __future__ import annotations

from flask import Flask

from dashboard.api import unverifications
from dashboard.api.problems import catch_problems


def init_api(app: Flask) -> None:
    """Mount `/api/v1`."""
    catch_problems(app)  # on the application: a blueprint takes no more set-up once a first application has it
    for module in (unverifications,):
        app.register_blueprint(module.blueprint)
