"""A child that spools until it is killed, and prints the number of each confirmed delivery: run by test_spool.py."""

import asyncio
import sys
from pathlib import Path

from ingress.delivery.spool import Spool

SENDERS = 20
LIMIT_BYTES = 1 << 30


async def spool_for_ever(path: Path) -> None:
    """Append at the rate of confirmations, 20 at a time."""
    spool = Spool(path, LIMIT_BYTES)
    spool.start()

    async def sender() -> None:
        while True:
            row, written = spool.append(b"key", b"x" * 500, [("penstock_source", b"acme")])
            if await written is None:
                sys.stdout.write(f"{row.seq}\n")
                sys.stdout.flush()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


if __name__ == "__main__":
    asyncio.run(spool_for_ever(Path(sys.argv[1])))
