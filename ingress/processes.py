"""Several ingress processes on the same ports: started, started again when one dies, ended together.

    parent      binds the ports and keeps them; accepts nothing, talks to nobody
    ├── slot 0  event loop, producer, spool
    └── slot 1  event loop, producer, spool

They share the listening sockets, which they inherit. So a connection waits for whichever process is free, and none is lost or
kept waiting when a process dies, hangs or drains; with SO_REUSEPORT each process has a queue of its own, and what is in it
then is reset. They are forked, which takes 20 ms instead of a second, from a parent that has no thread and no Kafka client.

uvicorn 0.54's own supervisor does not do: its processes cannot tell which one they are (each needs a spool of its own), it
starts a dying process twice a second for ever, loses exit codes, turns SIGHUP into a restart, and leaves its processes
behind when it is killed.
"""

import contextlib
import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Self

import structlog

from ingress.observability.log import name_slot
from ingress.scoreboard import Scoreboard

TURN_S = 1.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 30.0
STEADY_S = 60.0  # A process that lived this long is started again with the shortest delay.
HUNG_S = 30.0  # Without a sign of life, which is due every second; no provider waits longer for its answer.
STOP_S = (
    9.5  # 0.5 s last call, 5 s draining, 3 s flushing, 0.2 s for the operations port; containers are killed after 10 s.
)

EXIT_OK, EXIT_FAILED, EXIT_KILLED = 0, 1, 130
STOPPING = (signal.SIGTERM, signal.SIGINT)
_orphaned = threading.Event()
HANDLED = (*STOPPING, signal.SIGHUP)

_fork = multiprocessing.get_context("fork")
log = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the processes on a port: its number, how many there are, and where they know of each other."""

    number: int = 0
    processes: int = 1
    scoreboard: Scoreboard | None = None


ALONE = Slot()


def is_orphaned() -> bool:
    """Say whether this process had a parent that is gone."""
    return _orphaned.is_set()


def run_processes(
    count: int, listeners: Sequence[socket.socket], work: Callable[[Slot], int], lame_duck_s: float = 0.0
) -> int:
    """Keep `count` forked processes doing `work` until SIGTERM or SIGINT, then return the exit code.

    They go on for `lame_duck_s` after that, and then have STOP_S to end.

    0: all drained. 1: one could not. What a process ends with that never began to serve is a mistake that a person has to
    see, and ends all: its exit code. 130: a second signal killed them. SIGHUP is passed on.
    """
    with _Signals() as signals:
        return _Parent(count, listeners, work, signals).run(STOP_S + lame_duck_s)


class _Signals:
    """What the parent was asked. Entered, it counts; a pipe wakes up whoever waits."""

    def __init__(self) -> None:
        self.stops = 0
        self.hang_ups = 0
        self.woken, self._waker = os.pipe()

    def __enter__(self) -> Self:
        for end in (self.woken, self._waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in HANDLED:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Forget everything, in the parent at its end and in each process at its beginning."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        os.close(self.woken)
        os.close(self._waker)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let signals wait: a process that is being forked would take them with its parent's handlers, and lose them."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.hang_ups += 1
        else:
            self.stops += 1


class _Parent:
    def __init__(
        self, count: int, listeners: Sequence[socket.socket], work: Callable[[Slot], int], signals: _Signals
    ) -> None:
        scoreboard = Scoreboard(count)
        life_line = os.pipe()
        self._listeners = listeners
        self._signals = signals
        self._passed_on = 0
        self._life_line = life_line[1]

        def begin(slot: Slot) -> None:
            """Be the process of a slot, forked a moment ago with its signals held back."""
            signals.leave()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the parent decides
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to read again
            name_slot(slot.number)
            _live_with_parent(*life_line)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
            sys.exit(work(slot))

        self._kept = [_Kept(Slot(number, count, scoreboard), begin, signals, scoreboard) for number in range(count)]

    def run(self, stop_s: float) -> int:
        mistakes: list[int] = []
        try:
            while not self._signals.stops and not mistakes:
                self._wait(TURN_S)
                for kept in self._kept:
                    kept.turn(time.monotonic())
                mistakes = [kept.mistake for kept in self._kept if kept.mistake is not None]
                self._pass_on()
        finally:
            ended = self._stop(stop_s)
        return mistakes[0] if mistakes else ended

    def _pass_on(self) -> None:
        if self._passed_on < self._signals.hang_ups:
            self._passed_on = self._signals.hang_ups
            for kept in self._kept:
                kept.send(signal.SIGHUP)

    def _stop(self, stop_s: float) -> int:
        """End all processes and return how that went. A port closes with the last copy of its socket."""
        for listener in self._listeners:
            listener.close()
        log.info("ingress_stopping", processes=sum(kept.is_running for kept in self._kept))
        for kept in self._kept:
            kept.send(signal.SIGTERM)
        asked, deadline = self._signals.stops, time.monotonic() + stop_s
        while any(kept.is_running for kept in self._kept):
            if time.monotonic() > deadline or self._signals.stops > max(asked, 1):
                for kept in self._kept:
                    kept.send(signal.SIGKILL)
            self._wait(max(0.05, min(TURN_S, deadline - time.monotonic())))
        if self._signals.stops > max(asked, 1):
            return EXIT_KILLED
        return EXIT_OK if all(kept.has_ended_well for kept in self._kept) else EXIT_FAILED

    def _wait(self, timeout_s: float) -> None:
        """Return when a process has ended, a signal has come, or the time is over."""
        sentinels = [kept.process.sentinel for kept in self._kept if kept.process is not None and kept.is_running]
        due_s = min(kept.due_s(time.monotonic()) for kept in self._kept)
        ready, _, _ = select.select([self._signals.woken, *sentinels], [], [], min(timeout_s, due_s))
        if self._signals.woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._signals.woken, 512)


class _Kept:
    """One slot: its process, and what has happened to it."""

    def __init__(self, slot: Slot, begin: Callable[[Slot], None], signals: _Signals, scoreboard: Scoreboard) -> None:
        self.slot = slot
        self.process: BaseProcess | None = None
        self.mistake: int | None = None
        self._scoreboard = scoreboard
        self._begin = begin
        self._signals = signals
        self._has_served = False
        self._deaths = 0
        self._started_at = 0.0
        self._due_at = 0.0
        self._alive_at = 0.0
        self._turned_at = 0.0
        self._silent_s = 0.0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.exitcode is None

    @property
    def has_ended_well(self) -> bool:
        """Say whether the process, if there is one, ended in order; one asked to end before it began is as good."""
        return self.process is None or self.process.exitcode in {EXIT_OK, -signal.SIGTERM}

    def due_s(self, now: float) -> float:
        """Return in how many seconds there is something to do."""
        return TURN_S if self.process is not None else max(0.0, self._due_at - now)

    def turn(self, now: float) -> None:
        """Start the process if it is due, note its death, end it if it hangs."""
        if self.process is None:
            if now >= self._due_at:
                self._start(now)
        elif self.process.exitcode is not None:
            self._note_death(now, self.process)
        else:
            self._look(now)

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self.process is not None and self.process.pid is not None and self.is_running:
            os.kill(self.process.pid, number)

    def _start(self, now: float) -> None:
        self._started_at = self._turned_at = now
        self._silent_s = self._alive_at = 0.0
        self.process = _fork.Process(target=self._begin, args=(self.slot,))
        with self._signals.held():
            self.process.start()

    def _look(self, now: float) -> None:
        """Count for how long the process gives no sign of life, in turns of this one: both may have been stopped."""
        alive_at = self._scoreboard.alive_at(self.slot.number)
        is_silent = alive_at == self._alive_at != 0.0  # 0: it is starting, and may have a large spool to read
        self._silent_s = self._silent_s + min(now - self._turned_at, TURN_S) if is_silent else 0.0
        self._alive_at, self._turned_at = alive_at, now
        self._has_served = self._has_served or alive_at > 0
        if self._silent_s > HUNG_S:
            log.error("process_hung", slot=self.slot.number, silent_s=round(self._silent_s))
            self.send(signal.SIGKILL)

    def _note_death(self, now: float, process: BaseProcess) -> None:
        code = process.exitcode or 0
        self._has_served = self._has_served or self._scoreboard.alive_at(self.slot.number) > 0
        self._scoreboard.note_dead(self.slot.number)
        if code >= 0 and not self._has_served:
            self.mistake = code or EXIT_FAILED
            log.error("process_failed", slot=self.slot.number, code=code, advice="the line before this one says why")
            return
        process.close()
        self.process = None
        self._deaths = 1 if now - self._started_at > STEADY_S else self._deaths + 1
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (self._deaths - 1))
        self._due_at = now + delay_s
        log.error("process_died", slot=self.slot.number, **_ending(code), starts_again_in_s=delay_s)


def _live_with_parent(read_end: int, write_end: int) -> None:
    """Drain and end when the parent is gone, however it went: only the parent holds the pipe's other end.

    In a thread, because an event loop that hangs must end too. Linux' PR_SET_PDEATHSIG would do the same on Linux only.
    """
    os.close(write_end)

    def wait() -> None:
        while os.read(read_end, 1):
            pass
        _orphaned.set()
        log.warning("parent_gone", advice="start penstock ingress again; this process drains and ends")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_S)
        os._exit(EXIT_FAILED)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _ending(code: int) -> dict[str, int | str]:
    return {"code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
