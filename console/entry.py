"""The `penstock` program: installs signal handlers first, then imports the rest.

The imports of an ingress or a worker take 1 to 3 s. Until a process installs its own handlers, SIGTERM ends it by default, except
the first process of a container, for which the kernel ignores it: that one was killed only after its grace period.
"""

import os
import signal
import sys
from types import FrameType

SERVICES = ("demo-store", "ingress", "load", "worker")
STOPPING = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Run the command from the command line."""
    is_service = sys.argv[1:2] and sys.argv[1] in SERVICES
    for number in STOPPING:
        signal.signal(number, _end_service if is_service else _end_command)

    from console.cli import main as run

    if not is_service:  # a service installs its own handlers later; a command ends by KeyboardInterrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _end_service(_number: int, _frame: FrameType | None) -> None:
    """End a service that has not begun any work, with exit code 0: nothing is left undone."""
    os._exit(0)


def _end_command(number: int, _frame: FrameType | None) -> None:
    """End an unfinished command, with the code that a shell shows for the signal."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
