"""Which calls are retried, for how long, how retries are logged, and what ends the wait. Nothing here sleeps."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tenacity import RetryCallState

from broker.retry_policy import JITTER, LINES, QUIET_S, Interrupted, RetryPolicy

POLICY = RetryPolicy((ConnectionError,), first_s=0.5, longest_s=4.0)
FOREVER_S = 3600.0  # a wait that is not interrupted is a test that never ends


def failing(times: int, error: type[Exception] = ConnectionError) -> Callable[[], str]:
    """Return a function that fails that many times and then returns."""
    left = [error(f"fault {number}") for number in range(1, times + 1)]

    def function() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return function


def tried(policy: RetryPolicy, function: Callable[[], str], notice: Callable[..., object] | None = None) -> list[float]:
    """Return the pauses before each retry, taken from tenacity's own hook."""
    pauses: list[float] = []
    assert policy.retrying(notice).copy(sleep=pauses.append)(function) == "done"
    return pauses


@pytest.mark.parametrize(("failures", "longest_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0), (5_000, 4.0)])
def test_pause_doubles_up_to_the_cap(failures: int, longest_s: float) -> None:
    """Each pause is shortened by a random, bounded part."""
    drawn = [POLICY.backoff_s(failures) for _ in range(100)]

    assert all((1 - JITTER) * longest_s <= pause_s <= longest_s for pause_s in drawn)


def test_processes_do_not_come_back_in_step() -> None:
    """The jitter holds even at the cap, which a long outage brings all processes to."""
    assert len({POLICY.backoff_s(100) for _ in range(100)}) > 1


def test_call_is_tried_until_it_succeeds() -> None:
    """The number of retries has no limit."""
    pauses = tried(POLICY, failing(200))

    assert len(pauses) == 200
    assert max(pauses) <= POLICY.longest_s


def test_other_faults_are_not_tried_again() -> None:
    """Other faults reach the caller unchanged."""
    with pytest.raises(ValueError, match="fault 1"):
        POLICY.call(failing(9, ValueError))


def test_fault_that_does_not_pass_is_not_tried_again() -> None:
    """A fault's class alone does not decide."""
    policy = replace(POLICY, is_passing=lambda error: "fault 1" in str(error), first_s=0.0)

    with pytest.raises(ConnectionError, match="fault 2"):
        policy.call(failing(9))


def test_last_fault_is_raised_after_so_many_attempts() -> None:
    """The fault itself is raised, not tenacity's `RetryError`."""
    with pytest.raises(ConnectionError, match="fault 3"):
        replace(POLICY, attempts=3, first_s=0.0).call(failing(9))


@pytest.mark.parametrize(("elapsed_s", "pause_s", "is_over"), [(8.0, 1.0, False), (8.0, 2.0, True), (11.0, 0.1, True)])
def test_no_wait_leads_beyond_the_deadline(elapsed_s: float, pause_s: float, is_over: bool) -> None:
    """Tested with tenacity's own state of a call."""
    retrying = replace(POLICY, deadline_s=10.0).retrying()
    state = RetryCallState(retrying, None, (), {})
    state.start_time, state.outcome_timestamp, state.upcoming_sleep = 0.0, elapsed_s, pause_s

    assert retrying.stop(state) is is_over


def test_work_that_was_told_to_stop_is_not_begun() -> None:
    """The restore of a revoked partition makes no further call to Kafka."""
    stopping, calls = threading.Event(), list[str]()
    stopping.set()

    with pytest.raises(Interrupted):
        POLICY.call(lambda: calls.append("called"), stopping=stopping)

    assert calls == []


def test_stop_ends_the_wait_and_nothing_is_tried_again() -> None:
    """The stop comes between two tries."""
    stopping, calls = threading.Event(), list[str]()

    def call() -> None:
        calls.append("called")
        stopping.set()
        raise ConnectionError

    with contextlib.suppress(Interrupted, ConnectionError):
        replace(POLICY, first_s=FOREVER_S, longest_s=FOREVER_S, attempts=3).call(call, stopping=stopping)

    assert calls == ["called"]


def test_stop_from_another_thread_ends_the_wait() -> None:
    """The wait ends at once."""
    stopping, waits, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        try:
            policy = replace(POLICY, first_s=FOREVER_S, longest_s=FOREVER_S)
            policy.call(failing(9), lambda **_: waits.set(), stopping)
        except Interrupted:
            ended.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert waits.wait(10)
    stopping.set()

    assert ended.wait(10)
    thread.join(10)


def test_every_retry_is_logged_with_its_fault_and_pause() -> None:
    """The first retries of a call are all logged."""
    lines: list[dict[str, Any]] = []

    pauses = tried(POLICY, failing(3), lambda **fields: lines.append(fields))

    assert [line["error"] for line in lines] == ["fault 1", "fault 2", "fault 3"]
    assert [line["retry_in_s"] for line in lines] == [round(pause_s, 3) for pause_s in pauses]
    assert not any("suppressed" in line for line in lines)


def test_log_of_a_long_outage_is_bounded_and_counts_what_it_leaves_out() -> None:
    """One line per ten seconds of waiting; lines and the suppressed ones add up."""
    lines: list[dict[str, Any]] = []

    pauses = tried(replace(POLICY, longest_s=0.5), failing(5_000), lambda **fields: lines.append(fields))

    assert len(lines) <= LINES + sum(pauses) / QUIET_S
    suppressed = sum(line.get("suppressed", 0) for line in lines)
    assert 0 <= 5_000 - len(lines) - suppressed <= QUIET_S / (0.5 * (1 - JITTER))  # the last ones have no line yet


async def test_awaited_call_is_tried_until_it_succeeds() -> None:
    """A coroutine and a future follow the same rules, and are logged in the same way."""
    lines: list[dict[str, Any]] = []
    function = failing(3)

    async def awaited() -> str:
        return function()

    policy = replace(POLICY, first_s=0.0)

    assert (
        await policy.call_async(lambda: asyncio.ensure_future(awaited()), lambda **fields: lines.append(fields))
        == "done"
    )
    assert [line["error"] for line in lines] == ["fault 1", "fault 2", "fault 3"]


@pytest.mark.parametrize("failures", [0, 1])
async def test_awaited_call_that_fails_otherwise_is_not_tried_again(failures: int) -> None:
    """This holds for the first try and for later ones."""
    faults: list[Exception] = [*[ConnectionError() for _ in range(failures)], ValueError("other")]

    async def call() -> None:
        raise faults.pop(0)

    with pytest.raises(ValueError, match="other"):
        await replace(POLICY, first_s=0.0).call_async(call)


async def test_cancelling_ends_the_wait() -> None:
    """Cancellation, which ends an ingress's tasks, passes through."""
    waits = asyncio.Event()

    async def call() -> None:
        raise ConnectionError

    policy = replace(POLICY, first_s=FOREVER_S, longest_s=FOREVER_S)
    task = asyncio.create_task(policy.call_async(call, lambda **_: waits.set()))
    await asyncio.wait_for(waits.wait(), 10)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
