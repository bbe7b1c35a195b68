"""Keep processes running: start them, wait until ready, restart any that dies, end all in order.

One thread with one loop checks every process per turn; while all are ready it sleeps until a signal reports a death, so an idle
`penstock up` costs nothing. A process that dies before it was ever ready is an error that the user must see (`DidNotStart`),
unless it is optional; one that dies later is restarted without limit.
"""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import logs
from local.errors import DidNotStart, LocalError
from local.guard import Child
from local.signals import Signals

TURN_S = 0.05  # while a process starts or ends
QUIET_TURN_S = 5.0  # while all are ready: a death raises a signal, which ends the wait
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0  # After a life this long, the delay starts at the shortest again.
TRIES_BEFORE_READY = 3
MISUSED = 2  # Penstock's exit code for wrong configuration: a retry cannot help.
_PROBE_EVERY_S = 0.2
_REMIND_EVERY_S = 10.0
_BOUND_EVERY_S = 10.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running: its start, its readiness check, and its time limit to end. An optional one may be missing."""

    name: str
    launch: Callable[[], Child]
    is_ready: Callable[[], bool]
    log: Path
    stop_s: float
    is_optional: bool = False


class Supervisor:
    """The processes of one `penstock up`, ended in the reverse order of `start`."""

    def __init__(self, signals: Signals, say: Say) -> None:
        self._signals = signals
        self._say = say
        self._kept: list[_Kept] = []
        self._next_bound = 0.0

    def start(self, services: Sequence[Service]) -> None:
        """Start more processes in parallel and return when all are ready or given up, or a stop is requested."""
        if self._signals.is_stop_requested:
            return
        self._say(f"starting {' and '.join(service.name for service in services)}")
        started = [_Kept(service, self._say) for service in services]
        self._kept.extend(started)
        waiting_since = time.monotonic()
        reminded = 1
        while not self._signals.is_stop_requested:
            self._turn()
            if all(kept.is_settled for kept in started):
                return
            self._signals.wait(TURN_S)
            if time.monotonic() - waiting_since > reminded * _REMIND_EVERY_S:
                reminded += 1
                for kept in started:
                    kept.remind(time.monotonic() - waiting_since)

    def run(self) -> None:
        """Keep all processes running until a stop is requested."""
        while not self._signals.is_stop_requested:
            self._turn()
            self._signals.wait(QUIET_TURN_S if all(kept.is_settled for kept in self._kept) else TURN_S)

    @property
    def given_up(self) -> frozenset[str]:
        """Return the names of optional processes that did not start."""
        return frozenset(kept.service.name for kept in self._kept if kept.is_given_up)

    def stop(self) -> None:
        """End all processes, the last started first, each within its time limit; all at once on a second request."""
        for kept in reversed(self._kept):
            kept.stop(self._signals)

    def _turn(self) -> None:
        now = time.monotonic()
        for kept in self._kept:
            kept.turn(now)
        if now > self._next_bound:
            self._next_bound = now + _BOUND_EVERY_S
            for kept in self._kept:
                logs.bound(kept.service.log)


class _Kept:
    """One process and its history."""

    def __init__(self, service: Service, say: Say) -> None:
        self.service = service
        self.is_ready = False
        self.is_given_up = False
        self._say = say
        self._child: Child | None = None
        self._was_ready = False
        self._deaths = 0
        self._started = 0.0
        self._due = 0.0

    @property
    def is_settled(self) -> bool:
        """Say whether there is nothing to wait for."""
        return self.is_ready or self.is_given_up

    def turn(self, now: float) -> None:
        """Start the process if it is due, note its death, or check whether it is ready."""
        if self.is_given_up:
            return
        if self._child is None:
            if now >= self._due:
                self._launch(now)
            return
        code = self._child.exit_code()
        if code is not None:
            self._note_death(now, f"{self.service.name} {_ending(code)}", is_final=code == MISUSED)
        elif not self.is_ready and now >= self._due:
            self._due = now + _PROBE_EVERY_S
            self._ask()

    def remind(self, waited_s: float) -> None:
        """Report to the user what the start waits for."""
        if not self.is_settled:
            self._say(f"still waiting for {self.service.name} ({waited_s:.0f} s); it writes to {self.service.log}")

    def stop(self, signals: Signals) -> None:
        """End the process with SIGTERM, then SIGKILL at its time limit or on a second request to stop."""
        if self._child is None or self._child.exit_code() is not None:
            return
        self._child.terminate()
        deadline = time.monotonic() + self.service.stop_s
        while self._child.wait(TURN_S) is None:
            if signals.is_impatient or time.monotonic() > deadline:
                self._child.kill()
        self._say(f"{self.service.name} has ended")

    def _launch(self, now: float) -> None:
        self._started = now
        try:
            self._child = self.service.launch()
        except OSError as error:  # the disk is full, the data directory is gone, or no more processes are allowed
            self._note_death(now, f"{self.service.name} could not be started: {error}", is_final=True)
        except LocalError as error:
            if not self._was_ready:
                raise
            self._note_death(now, f"{self.service.name} could not be started: {error}", is_final=False)

    def _ask(self) -> None:
        if not self.service.is_ready():
            return
        self.is_ready = True
        again = " again" if self._was_ready else ""
        self._was_ready = True
        self._say(f"{self.service.name} is ready{again} ({time.monotonic() - self._started:.1f} s)")

    def _note_death(self, now: float, what: str, is_final: bool) -> None:
        """Report the last lines of the process; schedule the next start, or give up if it was never ready."""
        self._child = None
        self.is_ready = False
        self._deaths = 1 if now - self._started > STEADY_S else self._deaths + 1
        last_lines = logs.last_lines(self.service.log)
        told = f"{what}; the end of {self.service.log}:\n{last_lines}" if last_lines else f"{what}, without a word"
        if not self._was_ready and (is_final or self._deaths >= TRIES_BEFORE_READY):
            self._give_up(told)
            return
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (self._deaths - 1))
        self._due = now + delay_s
        self._say(f"{told.rstrip()}\nstarting {self.service.name} again in {delay_s:g} s")

    def _give_up(self, told: str) -> None:
        """End the start, unless the others can do without this process."""
        if not self.service.is_optional:
            raise DidNotStart(told)
        self.is_given_up = True
        self._say(f"{told.rstrip()}\ngoing on without the {self.service.name}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
