"""The metrics of several processes on one port as one: whichever is asked shows the sum of all.

Counters and histograms are added up, and what a process that died had counted is taken over by its successor: a sum that fell
would read as a restart of everything. Gauges say of themselves how several make one (`SUMS`, `LARGEST`, `SMALLEST`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter

import msgspec
from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingress.scoreboard import Scoreboard

POST_S = 1.0  # Less than any interval at which somebody scrapes.
LONGEST_POST_S = 5.0  # Well below ingress/processes.py's HUNG_S.

SUMS = frozenset({
    "penstock_ingress_held_bytes", "penstock_ingress_held_limit_bytes", "penstock_ingress_processes", "penstock_ingress_ready",
    "penstock_ingress_requests", "penstock_ingress_requests_limit", "penstock_ingress_unreported", "penstock_spool_bytes",
    "penstock_spool_deliveries", "penstock_spool_limit_bytes", "penstock_spool_refused",
    "process_open_fds", "process_resident_memory_bytes", "process_virtual_memory_bytes",
})  # fmt: skip
LARGEST = frozenset({
    "penstock_ingress_secret_expiry_timestamp_seconds", "penstock_ingress_source_unverified", "penstock_ingress_workers",
    "penstock_spool_oldest_age_seconds", "process_max_fds", "process_start_time_seconds",
})  # fmt: skip
SMALLEST = frozenset({"penstock_ingress_configuration_last_reload_successful"})

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


class Family(Struct):
    """One metric at one moment; `samples` maps the sample's name and labels to its value."""

    documentation: str
    type: str
    samples: dict[Key, float]


Families = dict[str, Family]
"""All metrics of one process by name."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Families)


class Board(Collector):
    """The metrics of all processes on a port, in a registry of their own; `own` collects this process's.

    Without a scoreboard this process is alone. With one, what its predecessor in the place had counted goes on.
    """

    def __init__(self, own: CollectorRegistry, scoreboard: Scoreboard | None = None, place: int = 0) -> None:
        self.registry = own if scoreboard is None else CollectorRegistry()
        self._own = own
        self._scoreboard = scoreboard
        self._place = place
        if scoreboard is not None:
            self._before = _only_growing(decoded(scoreboard.posted(place)))
            self.registry.register(self)

    def post(self) -> None:
        """Tell the other processes what this one has counted."""
        if self._scoreboard is not None:
            self._scoreboard.post(self._place, self._encoded())

    def appear(self) -> None:
        """Say that this process is alive, and what it has counted: until then its gauges are in no sum."""
        if self._scoreboard is not None:
            self._scoreboard.note_alive(self._place)
            self.post()

    async def post_for_ever(self) -> None:
        """Say every second that this process is alive, and what it has counted. Ends only when cancelled."""
        while self._scoreboard is not None:
            began_s = perf_counter()
            self.appear()
            # The metrics of thousands of sources take their time: no more than 1 % of it.
            await asyncio.sleep(min(LONGEST_POST_S, max(POST_S, 100 * (perf_counter() - began_s))))
        await asyncio.Event().wait()

    def collect(self) -> Iterator[Metric]:
        """Return the present values of all processes together.

        What is shown has been posted before, so no total falls when the process that showed it dies.
        """
        if self._scoreboard is None:
            return
        exchanged = self._scoreboard.exchange(self._place, self._encoded())
        everybody = [(decoded(posted), is_alive) for posted, is_alive in exchanged]
        total = added([known if is_alive else _only_growing(known) for known, is_alive in everybody])
        for name, family in total.items():
            metric = Metric(name, family.documentation, family.type)
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric

    def describe(self) -> Iterator[Metric]:
        """Return nothing: registering must not count as being asked."""
        yield from ()

    def _encoded(self) -> bytes:
        own = families(self._own.collect())
        return _encoder.encode(added([own, _of_sources(_sources(own), self._before)]))


def families(metrics: Iterable[Metric]) -> Families:
    """Return what a collector collected, as values."""
    return {
        metric.name: Family(
            metric.documentation,
            metric.type,
            {(sample.name, tuple(sample.labels.items())): float(sample.value) for sample in metric.samples},
        )
        for metric in metrics
    }


def added(parts: Sequence[Families]) -> Families:
    """Return the metrics of several processes as those of one."""
    total: Families = {}
    for part in parts:
        for name, family in part.items():
            known = total.setdefault(name, Family(family.documentation, family.type, {}))
            add = _rule(name, family.type)
            for key, value in family.samples.items():
                known.samples[key] = add(known.samples[key], value) if key in known.samples else value
    return total


def decoded(posted: bytes) -> Families:
    """Return posted metrics; none where nothing was posted yet."""
    return _decoder.decode(posted) if posted else {}


def _rule(name: str, kind: str) -> Callable[[float, float], float]:
    if kind == "gauge" and name in LARGEST:
        return max
    if kind == "gauge" and name in SMALLEST:
        return min
    return float.__add__


def _sources(known: Families) -> set[str]:
    return {dict(labels).get("source", "") for family in known.values() for _, labels in family.samples}


def _of_sources(sources: set[str], known: Families) -> Families:
    """Leave out sources that are gone: a predecessor may have served them."""
    return {
        name: Family(
            family.documentation,
            family.type,
            {key: value for key, value in family.samples.items() if dict(key[1]).get("source", "") in sources},
        )
        for name, family in known.items()
    }


def _only_growing(known: Families) -> Families:
    return {name: family for name, family in known.items() if family.type != "gauge"}
