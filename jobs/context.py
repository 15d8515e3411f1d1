"""The application a job works in: made once a process, before the worker forks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from flask import Flask, has_app_context

from dashboard.app import create_app


@cache
def application() -> Flask:
    """Return this process's application."""
    return create_app()


@contextmanager
def job_context() -> Iterator[None]:
    """Enter the application's context, or stay in the one that is open already (a command, a test)."""
    if has_app_context():
        yield
        return
    with application().app_context():
        yield
