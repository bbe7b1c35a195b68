"""Random faults from a seed: workers killed, paused, added, removed, one broker at a time killed or paused, links broken.

Three lanes run side by side, each with a list of faults made from the seed in advance: a seed repeats the same faults in
the same order; the machine's timing differs from run to run. A supervisor restarts ended processes, as in production.
"""

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from tests.support.kafka.cluster import BROKERS, Cluster
from tests.support.processes.workers import Workers

WORKERS = 3  # permanent slots; the slot after them comes and goes
EXTRA = WORKERS
SUPERVISED_S = 0.5  # the supervisor's delay before a restart
STOP_S = 20.0
KILLED, TERMINATED, ENDED, TERMINAL = -9, -15, 0, 3


class Fault(Struct, frozen=True):
    """One fault: its kind, the worker, broker or link, the pause before it, and its duration."""

    kind: str
    target: int
    pause_s: float
    lasts_s: float

    def __str__(self) -> str:
        return f"{self.kind} {self.target} for {self.lasts_s:.1f} s"


class Lane(Struct, frozen=True):
    """The faults of one lane: kinds with their longest duration, the number of targets, the longest pause between."""

    kinds: dict[str, float]
    targets: int
    pause_s: float


LANES = (
    Lane({"kill": 0, "pause": 11, "join": 12}, WORKERS, 6),  # a pause of 6 s costs a worker its partitions
    Lane({"broker_kill": 4, "broker_pause": 8}, BROKERS, 8),
    Lane({"cut": 0, "refuse": 4, "stall": 8, "slow": 6, "mute": 4, "half_close": 0}, BROKERS, 4),
)


def seed_of_run(name: str = "PENSTOCK_CHAOS_SEED") -> int:
    """Return the seed from the environment, else a new one; printed, so that a failed run can be repeated."""
    seed = int(os.environ.get(name) or random.SystemRandom().randrange(1_000_000))
    sys.stdout.write(f"\n{name}={seed}\n")
    return seed


def plan(seed: int, seconds: float) -> list[list[Fault]]:
    """Return each lane's faults, enough to fill the time; every kind comes once before any comes twice."""
    rng = random.Random(seed)  # noqa: S311  # reproducible
    return [list(_filled(lane, rng, seconds)) for lane in LANES]


def _filled(lane: Lane, rng: random.Random, seconds: float) -> Iterator[Fault]:
    spent_s = 0.0
    while spent_s < seconds:
        for kind in rng.sample(sorted(lane.kinds), len(lane.kinds)):
            longest_s = lane.kinds[kind]
            lasts_s = rng.uniform(longest_s / 4, longest_s)
            fault = Fault(kind, rng.randrange(lane.targets), rng.uniform(0.5, lane.pause_s), lasts_s)
            spent_s += fault.pause_s + fault.lasts_s
            yield fault


class Chaos:
    """Injects the faults of a plan into a cluster and its workers, and counts them and the workers' exit codes."""

    def __init__(self, cluster: Cluster, workers: Workers) -> None:
        self.done: Counter[str] = Counter()
        self.ends: Counter[int] = Counter()
        self._cluster = cluster
        self._workers = workers
        self._over = threading.Event()
        self._began_s = time.monotonic()
        self._lock = threading.Lock()  # the table of workers belongs to two lanes
        self._failures: list[BaseException] = []

    @contextmanager
    def unleashed(self, lanes: Sequence[Sequence[Fault]]) -> Iterator[None]:
        """Inject the faults while the block runs; afterwards everything is restored. A lane's failure is raised at the end."""
        threads = [threading.Thread(target=self._guarded, args=(self._run, lane)) for lane in lanes]
        threads.append(threading.Thread(target=self._guarded, args=(self._supervise,)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            self._cluster.wait()
        if self._failures:
            raise self._failures[0]

    def supervise(self) -> None:
        """Restart every worker that has ended, and count its exit code."""
        with self._lock:
            for slot, code in self._workers.restart_the_dead().items():
                self._ended(slot, code)

    def _guarded(self, function: Callable[..., None], *arguments: Sequence[Fault]) -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self._failures.append(error)

    def _run(self, faults: Sequence[Fault]) -> None:
        for fault in faults:
            if self._over.wait(fault.pause_s):
                return
            sys.stdout.write(f"{time.monotonic() - self._began_s:6.1f} s  {fault}\n")
            sys.stdout.flush()
            getattr(self, f"_{fault.kind}")(fault)
            self.done[fault.kind] += 1

    def _supervise(self) -> None:
        while not self._over.wait(SUPERVISED_S):
            self.supervise()

    def _ended(self, slot: int, code: int) -> None:
        self.ends[code] += 1
        expected = {KILLED, ENDED, TERMINAL}
        assert code in expected, f"worker {slot} ended with {code}: {self._log(slot)}"

    def _log(self, slot: int) -> str:
        return self._workers.log(slot).read_text()[-3000:]

    def _last(self, fault: Fault) -> None:
        self._over.wait(fault.lasts_s)

    # --- workers

    def _kill(self, fault: Fault) -> None:
        with self._lock:
            self._workers.kill(fault.target)

    def _pause(self, fault: Fault) -> None:
        child = self._workers.children[fault.target]
        self._workers.pause(fault.target)
        self._last(fault)
        if child is self._workers.children[fault.target]:
            self._workers.resume(fault.target)

    def _join(self, fault: Fault) -> None:
        """Add a worker and remove it again: two rebalances, after which nothing of it may block others."""
        with self._lock:
            self._workers.start(EXTRA)
        self._last(fault)
        is_ready = self._workers.is_ready(EXTRA)
        with self._lock:
            child = self._workers.children.pop(EXTRA)
        child.terminate()
        code = child.wait(STOP_S)
        if code is None:
            child.kill()
        assert code is not None, f"a worker was not gone {STOP_S} s after SIGTERM: {self._log(EXTRA)}"
        if is_ready or code != TERMINATED:  # a worker that has not begun does not catch the signal
            self._ended(EXTRA, code)

    # --- brokers

    def _broker_kill(self, fault: Fault) -> None:
        self._cluster.kill(fault.target)
        self._last(fault)
        self._cluster.start(fault.target)
        self._cluster.wait()

    def _broker_pause(self, fault: Fault) -> None:
        self._cluster.pause(fault.target)
        self._last(fault)
        self._cluster.resume(fault.target)
        self._cluster.wait()

    # --- the network

    def _cut(self, fault: Fault) -> None:
        self._cluster.links[fault.target].cut()

    def _half_close(self, fault: Fault) -> None:
        self._cluster.links[fault.target].half_close()

    def _refuse(self, fault: Fault) -> None:
        self._until_healed(fault, self._cluster.links[fault.target].refuse)

    def _stall(self, fault: Fault) -> None:
        self._until_healed(fault, self._cluster.links[fault.target].stall)

    def _mute(self, fault: Fault) -> None:
        self._until_healed(fault, self._cluster.links[fault.target].mute)

    def _slow(self, fault: Fault) -> None:
        self._until_healed(fault, lambda: self._cluster.links[fault.target].slow(0.05))

    def _until_healed(self, fault: Fault, begin: Callable[[], None]) -> None:
        begin()
        self._last(fault)
        self._cluster.links[fault.target].heal()
