"""A worker's /readyz, derived from facts: the first missing condition."""

from dataclasses import dataclass, field

import pytest

from broker.operations import Page
from streams.worker.health import SILENT_S, Health, Standing, _has_older
from streams.worker.metrics import Metrics
from streams.worker.operations import pages


@dataclass
class Share:
    """A worker's partitions, set by a test."""

    is_assigned: bool = True
    working: list[int] = field(default_factory=lambda: [0, 1])
    restoring: list[int] = field(default_factory=list)


class Clock:
    """A clock set by a test."""

    now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def standing(share: Share, waiting: tuple[int, ...] = (), silent_s: float = 0.0, is_stopping: bool = False) -> Standing:
    """Return the state of a worker whose Kafka answered `silent_s` ago."""
    clock = Clock()
    health = Health(share, 300, lambda: is_stopping, clock)
    health.answered(waiting)
    clock.now_s += silent_s
    return health.standing()


@pytest.mark.parametrize(("share", "waiting", "silent_s", "is_stopping", "status"), [
    (Share(), (), 0.0, False, "ready"),
    (Share(working=[]), (), 0.0, False, "ready"),  # one worker too many has nothing to do, and is ready for it
    (Share(), (), SILENT_S, False, "ready"),
    (Share(), (), SILENT_S + 0.1, False, "kafka_silent"),
    (Share(is_assigned=False), (), 0.0, False, "joining"),
    (Share(working=[0], restoring=[1]), (), 0.0, False, "restoring"),
    (Share(), (1,), 0.0, False, "deliveries_wait"),
    (Share(working=[0]), (1,), 0.0, False, "ready"),  # another worker has that partition by now
    (Share(is_assigned=False, restoring=[1]), (1,), SILENT_S + 1, True, "stopping"),
])  # fmt: skip
def test_first_that_is_missing_is_said(
    share: Share, waiting: tuple[int, ...], silent_s: float, is_stopping: bool, status: str
) -> None:
    """Ready only with every condition met; Kafka's silence takes precedence over facts that come from Kafka."""
    assert standing(share, waiting, silent_s, is_stopping).status == status


@pytest.mark.parametrize(("found", "words"), [
    (standing(Share(), silent_s=61), ("Kafka has not answered for 61 s", "every 5 s")),
    (standing(Share(restoring=[2, 3])), ("partitions 2, 3",)),
    (standing(Share(), waiting=(1,)), ("partitions 1 ", "more than 300 s", "undecided_limit_s")),
])  # fmt: skip
def test_detail_says_what_was_expected(found: Standing, words: tuple[str, ...]) -> None:
    """The message has the partitions, the duration, and the setting."""
    assert all(word in found.detail for word in words), found.detail


@pytest.mark.parametrize(("share", "page"), [
    (Share(), Page(b'{"status":"ready"}')),
    (
        Share(is_assigned=False),
        Page(
            b'{"status":"joining","detail":"the consumer group has not given this worker its partitions yet"}', status=503
        ),
    ),
])  # fmt: skip
def test_page_has_status_and_reason(share: Share, page: Page) -> None:
    """200 or 503; the reason is in the body. The other page does not depend on it."""
    shown = pages(Health(share, 300), Metrics())

    assert shown["/readyz"]() == page
    assert shown["/healthz"]() == Page(b'{"status":"alive"}')


@pytest.mark.parametrize(("committed", "ends", "recent", "has_older"), [
    (10, (0, 10), -1, False),        # everything is decided
    (9, (0, 10), -1, True),          # the last one is not, and nothing newer came
    (9, (0, 12), 10, True),
    (10, (0, 12), 10, False),        # the undecided ones are recent
    (-1001, (0, 3), -1, True),       # nothing was ever committed
    (-1001, (0, 3), 0, False),
    (-1001, (0, 0), -1, False),
    (2, (7, 7), -1, False),          # retention has deleted the undecided ones
])  # fmt: skip
def test_undecided_records_before_the_first_recent_one_wait(
    committed: int, ends: tuple[int, int], recent: int, has_older: bool
) -> None:
    """Old records lie from the committed offset on and before the first recent record."""
    assert _has_older(committed, ends, recent) == has_older
