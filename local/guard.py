"""Child processes that never outlive their parent, whatever ends it, on every Unix.

`spawn` runs this file as a program first. It forks a watcher and then *becomes* the command, so the process id, the signals and
the exit code are the command's own. The watcher shares the command's process group and reads a pipe whose only writer is the
parent: when the parent closes it or is killed, even by SIGKILL, the watcher ends the whole group.

Linux's PR_SET_PDEATHSIG was rejected: it fires when the *thread* that forked ends, misses grandchildren, and is Linux only.
Run by path with `-I -S`, so it may import only the standard library (15 ms instead of 60 ms, and any directory).
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ORPHAN_GRACE_S = 2.0  # The time for a command to flush after its parent has gone; Kafka needs 0.6 s to stop cleanly.
_POLL_S = 0.02


class Child:
    """A running command. `pid` is the id of both the command's process and its process group."""

    def __init__(self, process: subprocess.Popen[bytes], life_line: int) -> None:
        self.pid = process.pid
        self._process = process
        self._life_line: int | None = life_line

    def exit_code(self) -> int | None:
        """Return None while the command runs, then its exit code; the negated signal number if a signal ended it."""
        code = self._process.poll()
        if code is not None:
            self._cut()
        return code

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code once the command has ended, None if it is still running after the timeout."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code()

    def terminate(self) -> None:
        """Send SIGTERM to the command, not to its children."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill the command and everything it started, at once."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)  # The watcher is in the group and dies with it.
            self._process.wait()
        self._cut()

    def stop(self, timeout_s: float) -> int:
        """End the command with SIGTERM, then SIGKILL at the timeout. Return its exit code."""
        self.terminate()
        if self.wait(timeout_s) is None:
            self.kill()
        return self._process.wait()

    def _cut(self) -> None:
        """Release the watcher, which then ends whatever the command left behind."""
        if self._life_line is not None:
            os.close(self._life_line)
            self._life_line = None


def spawn(command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Start a command that appends its output to `log` and ends when this process does.

    It has its own session, so Ctrl-C in the terminal reaches only this process, which then decides the order.
    """
    read_end, life_line = os.pipe()
    program = [sys.executable, "-I", "-S", __file__, str(read_end), *command]
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                program,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                pass_fds=(read_end,),
                start_new_session=True,
            )
    except OSError:
        os.close(life_line)
        raise
    finally:
        os.close(read_end)
    return Child(process, life_line)


def _become(life_line: int, command: list[str]) -> None:
    """Fork the watcher, then turn into the command; the exit code is 127 if the program does not exist."""
    leader = os.getpid()
    if os.fork() == 0:
        _watch(life_line, leader)
    os.close(life_line)
    try:
        os.execvp(command[0], command)  # noqa: S606 the purpose of this file: the command replaces this process
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(127)  # as in a shell


def _watch(life_line: int, leader: int) -> None:
    """Wait until no process holds the other end of the pipe, then end the process group, including this process."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    while os.read(life_line, 1):
        pass
    # This process is in the group, so the kernel cannot have reused its number.
    os.killpg(leader, signal.SIGTERM)
    deadline = time.monotonic() + ORPHAN_GRACE_S
    while os.getppid() == leader and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
