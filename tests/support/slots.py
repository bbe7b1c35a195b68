"""A parent of two processes that do nothing but tell what happens to them: run by test_processes.py.

Each prints a line when it begins and when it gets a SIGHUP. `hang` makes the first process of slot 1 stand still, `deaf`
makes all of them take no notice of SIGTERM.
"""

import signal
import socket
import sys
import time

from ingress import processes
from ingress.observability.log import configure_log
from ingress.processes import Slot, run_processes

PATIENCE_S = 2.0


def work(slot: Slot) -> int:
    """Be alive until SIGTERM."""
    assert slot.scoreboard is not None
    is_first = not slot.scoreboard.posted(slot.number)
    ends: list[int] = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else lambda *_: ends.append(0))
    signal.signal(signal.SIGHUP, lambda *_: say(slot, "hung up"))
    slot.scoreboard.post(slot.number, b"a life")
    slot.scoreboard.note_alive(slot.number)
    say(slot, "began")
    while not ends:
        time.sleep(0.02)
        if not ("hang" in sys.argv and slot.number == 1 and is_first):
            slot.scoreboard.note_alive(slot.number)
    return 0


def say(slot: Slot, what: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{slot.number} {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_log()
    processes.HUNG_S = PATIENCE_S
    sys.exit(run_processes(2, [socket.create_server(("127.0.0.1", 0))], work))
