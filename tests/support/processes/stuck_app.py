"""A worker that is stuck at its first delivery, with all its connections open.

`faust -A tests.support.processes.stuck_app worker`
"""

import asyncio
from typing import Any

from streams.app import app
from streams.worker.consumer import DeliveryConsumer

__all__ = ["app"]


async def stand_still(_source: DeliveryConsumer, _messages: Any) -> None:
    """Decide nothing."""
    await asyncio.Event().wait()


stuck: Any = DeliveryConsumer  # this worker's bug
stuck._decide = stand_still
