"""The queue of cases: filters as one value, pages in four orders, counts, and the cases around one."""

from dashboard.queries.queue.counts import (
    dropping_count,
    phase_counts,
    queue_count,
    sources,
    state_counts,
)
from dashboard.queries.queue.every import case_ids
from dashboard.queries.queue.filters import QueueFilters, Viewer
from dashboard.queries.queue.pages import PAGE_SIZE, QueueRow, neighbour, next_case, queue_page

__all__ = [
    "PAGE_SIZE",
    "QueueFilters",
    "QueueRow",
    "Viewer",
    "case_ids",
    "dropping_count",
    "neighbour",
    "next_case",
    "phase_counts",
    "queue_count",
    "queue_page",
    "sources",
    "state_counts",
]
