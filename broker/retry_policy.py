"""The retry policy for transient failures: one implementation for every component, run by tenacity.

The backoff doubles with every failure up to a cap, and is shortened at random, so that many processes that lost the same
broker do not return in step. A wait between two attempts ends at once on a stop.
"""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, TypeVar

from msgspec import Struct
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    stop_never,
)

JITTER = 0.25  # the largest part by which a backoff is shortened
LINES = 10  # the first retries of a call, which are all logged
QUIET_S = 10.0  # of waiting between two lines after that: a night's outage must not write a gigabyte of log

Result = TypeVar("Result")
Notice = Callable[..., object]
"""Logs a retry. Takes `error`, `retry_in_s` and, if earlier retries were not logged, their number as `suppressed`."""


class Interrupted(Exception):
    """The work was stopped before the call succeeded."""


class RetryPolicy(Struct, frozen=True):
    """Which exceptions to retry, and when to give up; by default never.

    No wait extends beyond `deadline_s` from the first attempt. `is_passing` narrows `faults` down.
    All other exceptions reach the caller unchanged, and so does the last one.
    """

    faults: tuple[type[Exception], ...]
    first_s: float
    longest_s: float
    attempts: int | None = None
    deadline_s: float | None = None
    is_passing: Callable[[BaseException], bool] | None = None

    def backoff_s(self, failures: int) -> float:
        """Return the wait after a number of consecutive failures, 1 or more, shortened by a random part."""
        doublings = min(failures - 1, 32)  # beyond any cap; a float would overflow after a thousand
        return min(self.first_s * 2.0**doublings, self.longest_s) * random.uniform(1 - JITTER, 1)  # noqa: S311 - no secret

    def call(
        self, function: Callable[[], Result], notice: Notice | None = None, stopping: threading.Event | None = None
    ) -> Result:
        """Return the function's result; raise `Interrupted` once `stopping` is set, at once during a wait."""
        if stopping is not None and stopping.is_set():
            raise Interrupted
        return self.retrying(notice, stopping)(function)

    async def call_async(self, function: Callable[[], Awaitable[Result]], notice: Notice | None = None) -> Result:
        """Return the awaited result; cancelling the task ends the wait. A deadline counts from the first failure.

        Without a failure there is no overhead: tenacity, at 70 us a call, takes over with the first failure.
        """
        try:
            return await function()
        except self.faults as fault:
            first = [fault]

        async def attempt() -> Result:
            if first:
                raise first.pop()
            return await function()

        return await AsyncRetrying(sleep=asyncio.sleep, **self._rules(notice))(attempt)

    def retrying(self, notice: Notice | None = None, stopping: threading.Event | None = None) -> Retrying:
        """Return tenacity's controller for one call."""
        return Retrying(sleep=_interruptible(stopping), **self._rules(notice))

    def _rules(self, notice: Notice | None) -> dict[str, Any]:
        attempts = stop_never if self.attempts is None else stop_after_attempt(self.attempts)
        deadline = stop_never if self.deadline_s is None else stop_before_delay(self.deadline_s)
        return {
            "retry": retry_if_exception(self._is_retried),
            "wait": lambda state: self.backoff_s(state.attempt_number),
            "stop": stop_any(attempts, deadline),
            "before_sleep": None if notice is None else _Sampled(notice),
            "reraise": True,
        }

    def _is_retried(self, error: BaseException) -> bool:
        return isinstance(error, self.faults) and (self.is_passing is None or self.is_passing(error))


class _Sampled:
    """Logs each of a call's first retries, and later ones occasionally, with the number suppressed since the last line."""

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._due_s = -inf  # measured in time waited
        self._suppressed = 0

    def __call__(self, state: RetryCallState) -> None:
        if state.attempt_number > LINES and state.idle_for < self._due_s:
            self._suppressed += 1
            return
        self._due_s = state.idle_for + QUIET_S
        error = None if state.outcome is None else state.outcome.exception()
        fields: dict[str, object] = {"suppressed": self._suppressed} if self._suppressed else {}
        self._notice(error=str(error), retry_in_s=round(state.upcoming_sleep, 3), **fields)
        self._suppressed = 0


def _interruptible(stopping: threading.Event | None) -> Callable[[float], None]:
    event = threading.Event() if stopping is None else stopping

    def sleep(pause_s: float) -> None:
        if event.wait(pause_s):
            raise Interrupted

    return sleep
