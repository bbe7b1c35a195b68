"""Under any flood the log stays readable, and gives the number of suppressed lines."""

import asyncio
from typing import Any

import structlog

from ingress.observability.log_sampling import Kind, SampledLog

UNSIGNED = Kind("answered", "acme", "missing_signature")
UNKNOWN = Kind("answered", "", "unknown_source")
DEADLINE_S = 10


def written(logs: list[Any], kind: Kind) -> int:
    """Return the number of lines of a kind."""
    return sum(line["event"] == kind.event and line["reason"] == kind.reason for line in logs)


async def test_each_kind_has_its_lines_and_its_sum() -> None:
    """A flood of one kind is cut after ten lines and summarised in one; another kind loses none."""
    quiet = SampledLog()

    with structlog.testing.capture_logs() as logs:
        for number in range(25):
            quiet.info(UNSIGNED, sender=f"192.0.2.{number}")
        for _ in range(3):
            quiet.info(UNKNOWN)
        quiet.sum_up()

    assert (written(logs, UNSIGNED), written(logs, UNKNOWN)) == (10, 3)
    assert logs[0]["sender"] == "192.0.2.0"
    (suppressed,) = [line for line in logs if line["event"] == "suppressed"]
    assert (suppressed["of"], suppressed["source"], suppressed["reason"]) == UNSIGNED
    assert suppressed["lines"] == 15


async def test_next_period_begins_anew() -> None:
    """After the summary the same kind is written again; nothing is logged twice."""
    quiet = SampledLog(lines=1)

    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            quiet.info(UNSIGNED)
            quiet.info(UNSIGNED)
            quiet.sum_up()
        quiet.sum_up()

    assert [line["event"] for line in logs] == ["answered", "suppressed"] * 2


async def test_sum_comes_by_itself() -> None:
    """The last lines of a flood are summarised although nothing follows."""
    quiet = SampledLog(lines=1, period_s=0.01)

    with structlog.testing.capture_logs() as logs:
        quiet.info(UNSIGNED)
        quiet.info(UNSIGNED)
        async with asyncio.timeout(DEADLINE_S):
            while len(logs) < 2:  # noqa: ASYNC110  # a fact of the event loop, with a deadline
                await asyncio.sleep(0.005)

    assert logs[1]["event"] == "suppressed"
