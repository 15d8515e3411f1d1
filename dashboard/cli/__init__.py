"""Commands of this wing; `wsgi` joins them with those of `jobs`. Nothing is imported before a command is called."""

from dashboard.cli.lazy import Lazy

LAZY = (
    Lazy("db", "dashboard.cli.db", "The database's tables."),
    Lazy("source", "dashboard.cli.source", "Account sources: the package registries to protect."),
    Lazy("token", "dashboard.cli.token", "API tokens of sources."),
    Lazy("staff", "dashboard.cli.staff", "The people who may sign in."),
    Lazy("import", "dashboard.cli.imports", "Bring accounts, addresses and packages in."),
    Lazy("audit", "dashboard.cli.audit", "The audit log."),
    Lazy("statistics", "dashboard.cli.statistics", "The monthly figures."),
)
