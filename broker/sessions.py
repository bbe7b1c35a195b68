"""What runs beside the worker's loop: a thread with an event loop of its own, and one session with Kafka after another.

Of its own, because the worker's loop decides batches for a hundred milliseconds at a time.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import structlog
from confluent_kafka import KafkaException

from broker.retry_policy import Notice, RetryPolicy

STOP_S: Final = 10.0

log = structlog.get_logger()


class Session(Protocol):
    """One life of the Kafka clients: any fault of Kafka ends it."""

    async def turn(self) -> None:
        """Go on with the work, and commit what follows."""

    async def close(self) -> None:
        """Leave the group; what is under way is given up."""


class Sessions:
    """Runs sessions until stopped. `new_session` connects to Kafka and creates topics; after a fault of `policy` comes a new one.

    `name` is the thread's. `interrupted` logs such a fault, and `broke` any other, with its traceback.
    """

    def __init__(
        self,
        name: str,
        new_session: Callable[[], Session],
        policy: RetryPolicy,
        interrupted: Notice,
        broke: Callable[[], object],
    ) -> None:
        self._new_session, self._policy = new_session, policy
        self._interrupted, self._broke = interrupted, broke
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End what is under way and leave the group; waits for at most some seconds, because Kafka may be away."""
        self._stopping.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        asyncio.run(self._sessions())

    async def _sessions(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                session = await asyncio.to_thread(self._new_session)
            except self._policy.faults as error:
                failures += 1
                await self._pause(failures, error)
                continue
            try:
                while not self._stopping.is_set():
                    await session.turn()
                    failures = 0
            except self._policy.faults as error:
                failures += 1
                await self._pause(failures, error)
            except Exception:  # noqa: BLE001 - a bug: logged, and what goes on beside it must not end
                self._broke()
                failures += 1
                await asyncio.sleep(self._policy.backoff_s(failures))
            finally:
                await _closed(session)

    async def _pause(self, failures: int, error: Exception) -> None:
        pause_s = round(self._policy.backoff_s(failures), 3)
        self._interrupted(error=str(error), retry_in_s=pause_s)
        await asyncio.to_thread(partial(self._stopping.wait, pause_s))


async def _closed(session: Session) -> None:
    try:
        await asyncio.wait_for(session.close(), STOP_S)
    except (KafkaException, TimeoutError) as error:
        log.warning("session_not_closed", error=type(error).__name__)
