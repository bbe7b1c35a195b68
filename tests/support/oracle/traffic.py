"""A noisy shop that posts continuously, and records for each resource the deliveries answered 200, in order."""

import asyncio
import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from providers.base import Sample
from schemas.records import RawDelivery
from tests.support.builders.noisy_products import noisy_products
from tests.support.processes.posting_clients import Connection, Ledger, attempt, signed_request

CLIENTS = 24
RESOURCES = 600
SECRET = b"made-up"
STEP_S = 0.05
FOR_EVER = 10**9
_LAST_ANSWER_S = 60.0


class Traffic:
    """Posts at a steady rate. A resource's deliveries are posted one after the other, each until it is accepted."""

    def __init__(self, port: int, source: str, per_s: int, seed: int) -> None:
        self.accepted: dict[str, list[str]] = defaultdict(list)
        self.ledger = Ledger()
        self._port = port
        self._source = source
        self._per_s = per_s
        self._noise = noisy_products(source, FOR_EVER, RESOURCES, seed)
        self._over = threading.Event()

    @property
    def count(self) -> int:
        """Return how many posts were accepted."""
        return sum(map(len, self.accepted.values()))

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Post while the block runs; afterwards every post that was begun is accepted."""
        thread = threading.Thread(target=lambda: asyncio.run(self._post()))
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(_LAST_ANSWER_S)
            assert not thread.is_alive(), (
                f"posts were not accepted within {_LAST_ANSWER_S:.0f} s of the end of all faults"
            )

    async def _post(self) -> None:
        queues: list[asyncio.Queue[RawDelivery | None]] = [asyncio.Queue(self._per_s) for _ in range(CLIENTS)]
        clients = [asyncio.create_task(self._client(queue)) for queue in queues]
        step = max(1, int(self._per_s * STEP_S))
        while not self._over.is_set():
            for delivery in itertools.islice(self._noise, step):
                await queues[hash(delivery.key) % CLIENTS].put(delivery)
            await asyncio.sleep(STEP_S)
        for queue in queues:
            await queue.put(None)
        await asyncio.gather(*clients)

    async def _client(self, queue: "asyncio.Queue[RawDelivery | None]") -> None:
        connection = Connection(self._port)
        while (delivery := await queue.get()) is not None:
            sample = Sample(
                delivery.body, delivery.event_type, delivery.delivery_id, delivery.event_time or delivery.received_at
            )
            request = signed_request(self._source, SECRET, sample)
            self.ledger.accepted.discard(delivery.delivery_id)  # a retry of one that was accepted before
            while delivery.delivery_id not in self.ledger.accepted:
                await attempt(connection, delivery.delivery_id, request, self.ledger)
            self.accepted[delivery.key].append(delivery.delivery_id)
        connection.close()
