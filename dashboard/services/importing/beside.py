"""A second process for pure work, so that a long stream keeps two cores busy.

The process is forked, not spawned: it starts within milliseconds and hashes strings as this process does. It touches
neither database nor files, and it ends when this process does, however that ends: then its pipe is closed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def mapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield `function` of each item, in order; where it can be had, a second process works on every other one.

    At most two items are held at a time. Items and results must be picklable.
    """
    rest = iter(items)
    pair = tuple(islice(rest, 2))
    if len(pair) < 2 or not _may_fork():
        yield from map(function, chain(pair, rest))
        return
    with _second(function) as second:
        while pair:
            for item in pair[1:]:
                second.send(item)
            yield function(pair[0])
            following = tuple(islice(rest, 2))
            for _ in pair[1:]:
                yield _answer(second)
            pair = following


def _may_fork() -> bool:
    """Tell whether a second process is of use and safe: what other threads hold would stay held in it forever."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


@contextmanager
def _second(function: Callable[[Any], Any]) -> Iterator[Connection]:
    """Fork the second process and yield the pipe to it."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()  # it holds nothing but memory
        process.join()
        ours.close()


def _serve(function: Callable[[Any], Any], pipe: Connection, other_end: Connection) -> None:
    other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process, which then closes the pipe
    try:
        while True:
            pipe.send(function(pipe.recv()))
    except (EOFError, BrokenPipeError):
        return


def _answer(pipe: Connection) -> Any:
    """Receive a result; an end of file here is no end of the imported file."""
    try:
        return pipe.recv()
    except EOFError:
        raise RuntimeError("the second process of the import ended early") from None
