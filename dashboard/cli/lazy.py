"""A group whose commands are imported when they are called: help and completion stay quick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import click


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that `module` holds under the name `group`, with its line of help."""

    name: str
    module: str
    help: str

    def load(self) -> click.Command:
        """Import the command."""
        return cast("click.Command", import_module(self.module).group)


class LazyGroup(click.Group):
    """A click group that also has lazy commands."""

    def __init__(self, *, lazy: Iterable[Lazy] = (), **attributes: Any) -> None:
        super().__init__(**attributes)
        self.lazy = {each.name: each for each in lazy}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, imported or not."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is called."""
        found = self.lazy.get(cmd_name)
        return found.load() if found else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their help without importing them."""
        rows = [(name, self._help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _help(self, ctx: click.Context, name: str) -> str:
        if name in self.lazy:
            return self.lazy[name].help
        command = super().get_command(ctx, name)
        return command.get_short_help_str(formatter_width(ctx)) if command else ""


def formatter_width(ctx: click.Context) -> int:
    """Return how wide a line of help may be."""
    return max((ctx.max_content_width or 100) - 20, 40)
