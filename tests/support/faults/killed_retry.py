"""A `penstock` command that is killed (SIGKILL) after it has published some of its deliveries, always at the same point.

`python -m tests.support.faults.killed_retry CHUNKS LETTERS ARGUMENTS…` runs `penstock ARGUMENTS…` in chunks of LETTERS, and ends
behind the CHUNKS-th of them, as the out-of-memory killer would.
"""

import os
import signal
import sys
from collections.abc import Iterable

from broker.topic_reader import Advance
from console import cli
from console.dead import reading
from console.dead.sending import Sending
from schemas.records import RawDelivery


def main(chunks: int, letters: int, arguments: list[str]) -> None:
    """Run the command until its end."""
    left, publish = chunks, Sending.publish

    def publish_then_die(self: Sending, deliveries: Iterable[RawDelivery], advance: Advance) -> None:
        nonlocal left
        publish(self, deliveries, advance)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    reading.CHUNK_LETTERS = letters
    Sending.publish = publish_then_die  # type: ignore[method-assign]  # the fault
    sys.argv = ["penstock", *arguments]
    cli.main()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
