"""The `penstock` program: signals first, everything else after.

Importing what an ingress or a worker needs takes 1 to 3 s. Until a process has handlers of its own SIGTERM ends it by default,
and does nothing at all to the first process of a container, which the kernel spares: it was killed after its grace period.
"""

import os
import signal
import sys
from types import FrameType

SERVICES = ("ingress", "worker")
STOPPING = (signal.SIGTERM, signal.SIGINT)


def main() -> None:
    """Run the command on the command line."""
    is_service = sys.argv[1:2] and sys.argv[1] in SERVICES
    for number in STOPPING:
        signal.signal(number, _end_service if is_service else _end_command)

    from console.cli import main as run

    if not is_service:  # a service's own handlers follow; a command ends by KeyboardInterrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _end_service(_number: int, _frame: FrameType | None) -> None:
    """End a service that has begun nothing yet: asked to stop, it has left nothing undone."""
    os._exit(0)


def _end_command(number: int, _frame: FrameType | None) -> None:
    """End a command that did not do what it was asked for, with the code that a shell shows for the signal."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
