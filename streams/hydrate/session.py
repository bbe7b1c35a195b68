"""One life of the hydration's Kafka clients: from the requests on their topics to reads, and from what these brought to a commit.

What is under way is in memory alone. Any fault of Kafka ends the session, and the next one reads again what was not committed: a
read is made twice then, which changes nothing, because its delivery answers what still waits and shows what is stored already.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from broker.exactly_once import commit, group_consumer, transactional_producer
from broker.outgoing import Record
from broker.topic_reader import offset_of, partition_of, topic_of, value_of
from schemas.fetches import FetchRequest, decode_request
from schemas.topics import DELAYS_S, delay_topic, fetches_topic
from streams.hydrate.account import Account, Ended, Told
from streams.hydrate.clients import Clients
from streams.hydrate.metrics import Metrics
from streams.hydrate.offsets import Offsets
from streams.hydrate.policy import Limits
from streams.hydrate.records import account_record, records_of, request_record

MOST_WAITING = 20_000  # resources in memory; the others stay on the topic
TAKEN_AT_ONCE = 500
TURN_S = 0.02  # between two looks at Kafka while something is to be done
IDLE_TURN_S = 0.1
KEEP_UP_S = 1.0  # offsets alone are committed so seldom

log = structlog.get_logger()


class Session:
    """Consumer, producer and accounts of one life. `app` names the topics and the group."""

    def __init__(
        self, options: Mapping[str, str], app: str, worker_id: str, apis: Clients, limits: Limits, metrics: Metrics
    ) -> None:
        self._app = app
        self._apis = apis
        self._limits = limits
        self._metrics = metrics
        self._accounts: dict[str, Account] = {}
        self._partition_of: dict[str, int] = {}  # of each account
        self._offsets = Offsets()
        self._ended: list[Ended] = []
        self._told: list[Told] = []
        self._resume_s: dict[tuple[str, int], float] = {}  # delay partitions whose first record is not due
        self._is_full = False
        self._committed_s = time.monotonic()
        self._closing: list[Account] = []
        self._producer = transactional_producer(options, f"penstock.{app}.hydration.{worker_id}")
        self._consumer = group_consumer(options, f"penstock.{app}.hydration")
        topics = [fetches_topic(app), *(delay_topic(app, name) for name in DELAYS_S)]
        self._consumer.subscribe(topics, on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke)

    async def turn(self) -> None:
        """Take requests, begin reads, and commit what has ended."""
        moved = self._take()
        for account in self._accounts.values():
            account.start_reads()
        if self._ended or self._told or moved or time.monotonic() > self._committed_s + KEEP_UP_S:
            await self._commit(moved)
        await asyncio.gather(*(account.close() for account in self._closing))
        self._closing.clear()
        await asyncio.sleep(TURN_S if self._waiting() else IDLE_TURN_S)

    async def close(self) -> None:
        """Leave the group; reads that are under way are given up."""
        await asyncio.gather(*(account.close() for account in self._accounts.values()))
        await self._apis.close()
        await asyncio.to_thread(self._consumer.close)

    # --- requests

    def _take(self) -> list[Record]:
        """Take new requests into memory; return the records of those whose delay has passed, which are tried now."""
        self._hold_back()
        moved: list[Record] = []
        messages = self._consumer.consume(TAKEN_AT_ONCE, 0)
        # A rebalance inside `consume` may have taken partitions whose records are already in this list.
        owned = {(part.topic, part.partition) for part in self._consumer.assignment()} if messages else set()
        for message in messages:
            if message.error() is not None:
                log.warning("poll_failed", error=str(message.error()))
                continue
            position = topic_of(message), partition_of(message), offset_of(message)
            if position[:2] not in owned:
                continue
            request = _request(message)
            if position[0] != fetches_topic(self._app):
                moved += self._moved(request, position)
                continue
            self._offsets.taken(*position)
            if request is None:
                self._offsets.done([position])
            else:
                self._account(request, position[1]).add(request, position)
        return moved

    def _moved(self, request: FetchRequest | None, position: tuple[str, int, int]) -> list[Record]:
        """Return the record for a request whose delay has passed; else let its partition wait until then."""
        topic, partition, offset = position
        if (topic, partition) in self._resume_s:  # fetched before the partition was paused
            return []
        wait_s = 0.0 if request is None else request.due_us / 1e6 - time.time()
        if wait_s > 0:
            where = TopicPartition(topic, partition, offset)
            self._consumer.pause([where])
            self._consumer.seek(where)
            self._resume_s[topic, partition] = time.monotonic() + wait_s
            return []
        self._offsets.taken(*position)
        self._offsets.done([position])
        return [] if request is None else [request_record(self._app, request)]

    def _hold_back(self) -> None:
        """Let delay partitions go on that are due, and the main topic wait while memory is full."""
        now_s = time.monotonic()
        due = [place for place, at_s in self._resume_s.items() if at_s <= now_s]
        for place in due:
            del self._resume_s[place]
            self._consumer.resume([TopicPartition(*place)])
        is_full = self._waiting() >= MOST_WAITING
        if is_full != self._is_full:
            self._is_full = is_full
            topic = fetches_topic(self._app)
            parts = [part for part in self._consumer.assignment() if part.topic == topic]
            (self._consumer.pause if is_full else self._consumer.resume)(parts)

    def _waiting(self) -> int:
        return sum(len(account.wishes) for account in self._accounts.values())

    def _account(self, request: FetchRequest, partition: int) -> Account:
        account = self._accounts.get(request.account)
        if account is None:
            api = self._apis.of(request.provider, request.source, request.tenant)
            account = Account(request.account, api, self._limits, self._ended.append, self._told.append)
            self._accounts[request.account] = account
            self._partition_of[request.account] = partition
        return account

    # --- results

    async def _commit(self, moved: Sequence[Record]) -> None:
        """Write what has ended, with the offsets of its requests, in one transaction."""
        ended, self._ended[:] = list(self._ended), []
        told, self._told[:] = list(self._told), []
        records = [*moved, *(account_record(self._app, one.account, one.standing) for one in told)]
        for one in ended:
            records += records_of(self._app, one.wish.request, one.decision)
            self._offsets.done(one.wish.positions)
            self._metrics.ended(one.wish.request, one.decision)
        offsets = self._offsets.to_commit()
        self._committed_s = time.monotonic()
        self._metrics.show(self._accounts, self._waiting())
        if records or offsets:
            metadata = self._consumer.consumer_group_metadata()
            await asyncio.to_thread(commit, self._producer, records, offsets, metadata)

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Begin with new partitions: librdkafka keeps a pause of a partition that went to another worker and came back."""
        consumer.incremental_assign(partitions)
        consumer.resume(partitions)
        self._is_full = False  # until the next turn looks again

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - as librdkafka calls it
        """Forget the accounts of partitions that another worker has now: their requests are read again there."""
        for gone in partitions:
            self._offsets.dropped(gone.topic, gone.partition)
            self._resume_s.pop((gone.topic, gone.partition), None)
            if gone.topic == fetches_topic(self._app):
                for key in [key for key, partition in self._partition_of.items() if partition == gone.partition]:
                    del self._partition_of[key]
                    self._closing.append(self._accounts.pop(key))
                    self._ended[:] = [ended for ended in self._ended if ended.account != key]
                    self._told[:] = [told for told in self._told if told.account != key]


def _request(message: Message) -> FetchRequest | None:
    try:
        return decode_request(value_of(message))
    except ValueError as error:  # msgspec's errors are ValueErrors
        log.warning("strange_request", topic=topic_of(message), offset=offset_of(message), error=type(error).__name__)
        return None
