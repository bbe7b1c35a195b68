"""The metrics of several processes as one."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ingress.processes import Slot
from ingress.scoreboard import Scoreboard
from ingress.serve import Process
from ingress.settings import Settings
from ingress.sources import Source
from ingress.spools import opened_spool
from ingress.together import LARGEST, SMALLEST, SUMS, Board, _encoder, families
from providers.generic import Generic


class Numbers(Collector):
    """One process's metrics: a counter with a label, a histogram, two gauges."""

    def __init__(self, reason: str, number: float) -> None:
        self.reason = reason
        self.number = number

    def collect(self) -> Iterator[Metric]:
        """Return the number in every kind of metric."""
        answers = CounterMetricFamily("answers", "By reason.", labels=["reason"])
        answers.add_metric([self.reason], self.number)
        yield answers
        yield HistogramMetricFamily("waited", "Seconds.", [("1.0", self.number), ("+Inf", self.number + 1)], 0.5)
        yield GaugeMetricFamily("penstock_spool_bytes", "Bytes.", self.number)
        yield GaugeMetricFamily("penstock_spool_oldest_age_seconds", "Age.", self.number)


def board(scoreboard: Scoreboard, place: int, numbers: Numbers) -> Board:
    """Return the board of a process that serves."""
    registry = CollectorRegistry()
    registry.register(numbers)
    made = Board(registry, scoreboard, place)
    scoreboard.note_alive(place)
    made.post()
    return made


def shown(asked: Board) -> dict[str, float]:
    """Return what a process shows when it is asked for /metrics."""
    lines = generate_latest(asked.registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_all_show_the_same_sum() -> None:
    """Counters and histograms are added up by label; gauges as they say of themselves."""
    scoreboard = Scoreboard(2)
    boards = [board(scoreboard, 0, Numbers("slow", 3)), board(scoreboard, 1, Numbers("slow", 4))]

    for asked in boards:
        assert shown(asked) == {
            'answers_total{reason="slow"}': 7,
            'waited_bucket{le="1.0"}': 7,
            'waited_bucket{le="+Inf"}': 9,
            "waited_count": 9,
            "waited_sum": 1,
            "penstock_spool_bytes": 7,
            "penstock_spool_oldest_age_seconds": 4,
        }


def test_what_only_one_knows_is_shown() -> None:
    """A reason that one process has met is shown whichever is asked."""
    scoreboard = Scoreboard(2)
    first = board(scoreboard, 0, Numbers("slow", 3))
    board(scoreboard, 1, Numbers("late", 4))

    answers = {name: value for name, value in shown(first).items() if name.startswith("answers")}

    assert answers == {'answers_total{reason="slow"}': 3, 'answers_total{reason="late"}': 4}


def test_dead_process_leaves_what_it_counted() -> None:
    """While nobody is at its place its counters are still in the sum, its gauges are not; its successor goes on from there."""
    scoreboard = Scoreboard(2)
    first = board(scoreboard, 0, Numbers("slow", 3))
    board(scoreboard, 1, Numbers("slow", 4))

    scoreboard.note_dead(1)

    assert shown(first)['answers_total{reason="slow"}'] == 7
    assert shown(first)["penstock_spool_bytes"] == 3
    successor = board(scoreboard, 1, Numbers("slow", 1))
    assert shown(first)['answers_total{reason="slow"}'] == 8
    assert shown(successor)["penstock_spool_bytes"] == 4


def test_source_that_is_gone_is_not_taken_over() -> None:
    """What a predecessor counted for a source that is configured no more would look like a silent source for ever."""
    scoreboard = Scoreboard(2)
    registry = CollectorRegistry()
    before = CounterMetricFamily("answers", "By source.", labels=["source"])
    for source in ("kept", "gone"):
        before.add_metric([source], 5)
    scoreboard.post(0, _encoder.encode(families([before])))

    class Now(Collector):
        def collect(self) -> Iterator[Metric]:
            now = CounterMetricFamily("answers", "By source.", labels=["source"])
            now.add_metric(["kept"], 1)
            yield now

    registry.register(Now())
    successor = Board(registry, scoreboard, 0)

    assert shown(successor) == {'answers_total{source="kept"}': 6}


def test_what_is_shown_is_posted() -> None:
    """A total that somebody saw never falls, even if the process that showed it is killed in the next moment."""
    scoreboard = Scoreboard(2)
    numbers = Numbers("slow", 3)
    asked = board(scoreboard, 0, numbers)
    other = board(scoreboard, 1, Numbers("slow", 4))
    numbers.number = 10

    seen = shown(asked)['answers_total{reason="slow"}']
    scoreboard.note_dead(0)

    assert seen == shown(other)['answers_total{reason="slow"}'] == 14


def test_gauges_count_from_the_appearance_on() -> None:
    """A process that has not said that it is alive is in no sum of gauges, its own page included."""
    scoreboard, registry = Scoreboard(2), CollectorRegistry()
    Gauge("penstock_ingress_processes", "Processes.", registry=registry).set(1)
    asked = Board(registry, scoreboard, 0)
    assert "penstock_ingress_processes" not in shown(asked)

    asked.appear()

    assert shown(asked)["penstock_ingress_processes"] == 1


def test_alone_nothing_is_posted() -> None:
    """Without a scoreboard the process's own registry is what is shown."""
    registry = CollectorRegistry()

    alone = Board(registry)
    alone.post()

    assert alone.registry is registry


async def test_every_gauge_says_how_several_make_one(tmp_path: Path) -> None:
    """Whoever adds a gauge has to say whether the sum, the largest or the smallest is true of all processes together."""
    settings = Settings({"bootstrap.servers": "127.0.0.1:1"}, spool_bytes=1 << 20, spool_directory=tmp_path)
    slot = Slot(0, 2, Scoreboard(2))
    sources = {"acme": Source("acme", Generic(), (), is_verified=False)}
    spool = opened_spool(settings, 8080, slot)
    assert spool is not None
    process = Process(settings, sources, spool, slot)

    gauges = [metric.name for metric in process.metrics.registry.collect() if metric.type == "gauge"]
    spool._file.close()

    rules = [*SUMS, *LARGEST, *SMALLEST]
    assert {gauge: rules.count(gauge) for gauge in gauges} == dict.fromkeys(gauges, 1)
    assert len(gauges) > 10
