"""Wait for a fact with a deadline instead of sleeping."""

import time
from collections.abc import Callable, Iterable

import psutil

_POLL_S = 0.02


def until(fact: Callable[[], bool], timeout_s: float, what: str, poll_s: float = _POLL_S) -> None:
    """Return as soon as the fact holds; fail naming it after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(poll_s)


def is_running(pid: int) -> bool:
    """Say whether a process runs; one that has ended and waits for its parent to notice does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until_gone(pids: Iterable[int], timeout_s: float) -> None:
    """Return once none of the processes runs any more."""
    known = list(pids)
    until(lambda: not any(map(is_running, known)), timeout_s, f"all of {known} have ended")
