"""How soon the worker decides again after Kafka was away for 2, 13 and 48 s, with deliveries waiting.

Kafka is restarted (ended by SIGTERM and by SIGKILL in turns, started again on the same port and directory when the time is over),
or frozen (SIGSTOP and SIGCONT: connections stay open but get no answer). An outage begins in the middle of a burst of
deliveries. It is over when Kafka answers a new client; the measured time runs from then until a `read_committed` consumer
reads a new outcome. Kafka's own start time is reported beside it.

The worker is `penstock worker`. If it ends, it is restarted after half a second, and the results say how often.
"""

import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from statistics import median
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from bench.fill import Gate, create_raw
from bench.outcomes import committed
from bench.stack import Failed, Offsets, Process, Stack, running_worker
from local import kafka
from schemas import codec
from schemas.records import RawDelivery
from schemas.topics import OUTCOMES
from simulator.shop_deliveries import SMALL, SOURCE, STEP_S, kept, product

APP = "outage"
LENGTHS_S = (2.0, 13.0, 48.0)
ROUNDS = {"restarted": 10, "frozen": 3}
QUICK_ROUNDS = {"restarted": 2, "frozen": 1}
BURST, PRODUCTS = 20_000, 4_000  # six seconds of work: most of it is waiting when Kafka returns
DECIDED = (500, 4_000)  # of the burst when Kafka goes away: somewhere in a batch
# With the start options of `penstock up`, which start faster than the benchmarks' own.
KAFKA_AGAIN = kafka.KafkaOptions(heap_mb=512)
RESTART_S = 0.5  # the first delay of a supervisor
TIMEOUT_S = 420.0
LOOK_EVERY_S = 0.02
QUICK_CLIENT = {"reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "50", "log_level": "0"}


class Outage(Struct, frozen=True):
    """One outage: the time Kafka needed to start, until a new outcome appeared, and until no delivery waited any more."""

    kafka_start_s: float
    decided_s: float
    drained_s: float
    ends: tuple[int, ...]


def outage(stack: Stack, is_quick: bool) -> dict[str, Any]:
    """Return, for each kind and length of outage, how soon decisions resume; and whether every delivery is decided once."""
    create_raw(stack)
    with closing(_Bench(stack)) as bench:
        ways = {
            way: {f"{away_s:g}": _row([bench.outage(way, away_s) for _ in range(rounds)]) for away_s in LENGTHS_S}
            for way, rounds in (QUICK_ROUNDS if is_quick else ROUNDS).items()
        }
        return {"burst": BURST, "ways": ways, **bench.books()}


class _Bench:
    """A worker that is restarted whenever it ends, a Kafka that goes away, and the deliveries that wait meanwhile."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._chance = random.Random(1)  # noqa: S311  # reproducible, no secret
        self._fed = self._outages = 0
        self._opened = ExitStack()
        self._worker = self._opened.enter_context(running_worker(stack, APP))
        self._ends: list[int] = []

    def close(self) -> None:
        """End the worker."""
        self._opened.close()

    def outage(self, way: str, away_s: float) -> Outage:
        """Take Kafka away in the middle of a burst, bring it back, and time the recovery."""
        first_s = self._begin_burst()
        self._ends = []
        self._outages += 1
        start_s = self._freeze(away_s) if way == "frozen" else self._restart(away_s)
        back_s = time.monotonic()
        self._stack = replace(self._stack, admin=AdminClient({"bootstrap.servers": self._stack.kafka, **QUICK_CLIENT}))
        with _reader(self._stack, self._outcomes_so_far()) as reader:
            decided_s = self._until(lambda: _has_record(reader), "a new outcome") - back_s
        drained_s = self._until_drained() - back_s
        print(
            f"  {way} {away_s:g} s: Kafka's start {start_s:.1f} s, decided after {decided_s:.1f} s, "
            f"drained after {drained_s:.1f} s, worker ended {self._ends} ({first_s:.1f} s before)",
            file=sys.stderr,
        )
        return Outage(start_s, decided_s, drained_s, tuple(self._ends))

    def books(self) -> dict[str, int]:
        """Return the number of deliveries, of those without an outcome, and of those with more than one."""
        schema = codec.parse_schema(codec.schema_text("outcome"))
        found = Counter(
            codec.decode(message.value() or b"", schema)["delivery_id"]
            for message in committed(self._stack, OUTCOMES, {})
        )
        twice = sum(1 for count in found.values() if count > 1)
        return {"deliveries": self._fed, "without_outcome": self._fed - len(found), "decided_twice": twice}

    def _begin_burst(self) -> float:
        """Reveal a burst to the worker at once, and return when a part of it is decided."""
        began_s = time.monotonic()
        gate = Gate(self._stack, f"burst-{self._fed}", self._burst())
        before = sum(self._stack.ends(OUTCOMES).values())
        gate.open()
        few = self._chance.randint(*DECIDED)
        self._until(lambda: sum(self._stack.ends(OUTCOMES).values()) >= before + few, f"{few} outcomes of a burst")
        return time.monotonic() - began_s

    def _burst(self) -> Iterator[RawDelivery]:
        for _ in range(BURST):
            number, version = self._fed % PRODUCTS, self._fed // PRODUCTS
            body = product(number, version * STEP_S, version, SMALL)
            yield kept(body, f"{SOURCE}-{self._fed}", version * STEP_S)
            self._fed += 1

    def _restart(self, away_s: float) -> float:
        """End Kafka, start it again when the time is over, and return how long that start took."""
        broker, port = self._stack.broker, int(self._stack.kafka.rpartition(":")[2])
        until_s = time.monotonic() + away_s
        if self._outages % 2:
            broker.child.terminate()
        else:
            broker.child.kill()
        self._until(lambda: time.monotonic() > until_s and broker.child.exit_code() is not None, "Kafka's end")
        broker.child.kill()  # and its leftover children
        began_s = time.monotonic()
        child = kafka.launch(broker.data_dir, port, KAFKA_AGAIN)
        self._until(lambda: kafka.is_ready(port), "Kafka")
        self._stack = replace(self._stack, broker=kafka.RunningKafka(self._stack.kafka, broker.data_dir, child))
        return time.monotonic() - began_s

    def _freeze(self, away_s: float) -> float:
        """Freeze Kafka, and return how long it took to answer afterwards."""
        pid, until_s = self._stack.broker.pid, time.monotonic() + away_s
        os.kill(pid, signal.SIGSTOP)
        try:
            self._until(lambda: time.monotonic() > until_s, "the end of the outage")
        finally:
            os.kill(pid, signal.SIGCONT)
        began_s, port = time.monotonic(), int(self._stack.kafka.rpartition(":")[2])
        self._until(lambda: kafka.is_ready(port), "Kafka")
        return time.monotonic() - began_s

    def _outcomes_so_far(self) -> Offsets:
        """Return the end offsets of the outcomes; a returning broker answers before it leads its partitions."""
        found: Offsets = {}

        def are_known() -> bool:
            with contextlib.suppress(KafkaException):
                found.update(self._stack.ends(OUTCOMES))
            return bool(found)

        self._until(are_known, "the end of the outcomes")
        return found

    def _until_drained(self) -> float:
        """Return the time when every delivery so far has an outcome."""
        with _reader(self._stack, dict.fromkeys(self._outcomes_so_far(), 0)) as reader:
            seen = 0

            def is_drained() -> bool:
                nonlocal seen
                seen += len(reader.consume(10_000, LOOK_EVERY_S))
                return seen >= self._fed

            return self._until(is_drained, f"{self._fed} outcomes")

    def _until(self, is_true: Callable[[], bool], what: str) -> float:
        """Return the time when a condition holds; restart the worker if it ends meanwhile."""
        deadline, due_s = time.monotonic() + TIMEOUT_S, 0.0
        while not is_true():
            code = self._worker.child.exit_code()
            if code is not None and not due_s:
                self._ends.append(code)
                due_s = time.monotonic() + RESTART_S
            if due_s and time.monotonic() > due_s:
                due_s = 0.0
                self._worker = self._opened.enter_context(running_worker(self._stack, APP))
            if time.monotonic() > deadline:
                raise Failed(f"waited {TIMEOUT_S:.0f} s for {what}; the worker's log: {_end_of_log(self._worker)}")
            time.sleep(LOOK_EVERY_S)
        return time.monotonic()


def _row(outages: list[Outage]) -> dict[str, Any]:
    decided = [one.decided_s for one in outages]
    starts = [one.kafka_start_s for one in outages]
    return {
        "outages": len(outages),
        "kafka_start_s": round(median(starts), 2),
        "decided_s": {"p50": round(median(decided), 2), "worst": round(max(decided), 2)},
        "of_kafka_start": round(median(decided) / median(starts), 2),
        "drained_s": {
            "p50": round(median(one.drained_s for one in outages), 2),
            "worst": round(max(one.drained_s for one in outages), 2),
        },
        "worker_ended": sum(len(one.ends) for one in outages),
        "each_decided_s": [round(one, 2) for one in decided],
    }


@contextmanager
def _reader(stack: Stack, begin: Offsets) -> Iterator[Consumer]:
    """Give a consumer of committed outcomes after the given offsets."""
    reader = Consumer({
        "bootstrap.servers": stack.kafka,
        "group.id": "bench.outage",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 10,
        **QUICK_CLIENT,
    })  # fmt: skip
    reader.assign([TopicPartition(OUTCOMES, partition, offset) for partition, offset in begin.items()])
    try:
        yield reader
    finally:
        reader.close()


def _has_record(reader: Consumer) -> bool:
    message = reader.poll(0)
    return message is not None and message.error() is None


def _end_of_log(worker: Process) -> str:
    return worker.log.read_text()[-2000:]
