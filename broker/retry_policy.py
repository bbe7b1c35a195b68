"""How often and how long a call is tried again that fails for a while: one policy for every stage, carried out by tenacity.

A pause doubles with every failure up to a cap, and is shortened at random, so that many processes that lost the same broker
do not come back in step. The wait between two tries ends at once when the work is told to stop.
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

JITTER = 0.25  # a pause is at most this part shorter than the backoff
LINES = 10  # retries of one call that are each logged
QUIET_S = 10.0  # of waiting between two lines after that: an outage of a night is no gigabyte of log

Result = TypeVar("Result")
Notice = Callable[..., object]
"""Logs a retry. Takes `error`, `retry_in_s` and, if retries before were not logged, `suppressed`, their number."""


class Interrupted(Exception):
    """The work was told to stop before the call succeeded."""


class RetryPolicy(Struct, frozen=True):
    """Which exceptions are worth another try, and when to give up; by default never.

    No wait leads beyond `deadline_s` from the first try. `is_passing` narrows `faults` down.
    Any other exception reaches the caller as it is, and so does the last one.
    """

    faults: tuple[type[Exception], ...]
    first_s: float
    longest_s: float
    attempts: int | None = None
    deadline_s: float | None = None
    is_passing: Callable[[BaseException], bool] | None = None

    def backoff_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, 1 or more; a random part is left out."""
        doublings = min(failures - 1, 32)  # beyond any cap; a float would overflow after a thousand
        return min(self.first_s * 2.0**doublings, self.longest_s) * random.uniform(1 - JITTER, 1)  # noqa: S311 - no secret

    def call(
        self, function: Callable[[], Result], notice: Notice | None = None, stopping: threading.Event | None = None
    ) -> Result:
        """Return what the function returns; raise `Interrupted` once `stopping` is set, during a wait at once."""
        if stopping is not None and stopping.is_set():
            raise Interrupted
        return self.retrying(notice, stopping)(function)

    async def call_async(self, function: Callable[[], Awaitable[Result]], notice: Notice | None = None) -> Result:
        """Return what is awaited; cancelling the task ends the wait. A deadline counts from the first failure.

        Where nothing fails this costs nothing: tenacity, 70 us a call, takes over with the first failure.
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
        """Return tenacity's controller of one call."""
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
    """Logs the first retries of a call each, later ones once in a while, with how many were left out since the line before."""

    def __init__(self, notice: Notice) -> None:
        self._notice = notice
        self._due_s = -inf  # in terms of the time waited
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
