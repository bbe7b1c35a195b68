"""One life of the reconciliation's Kafka clients: from tasks to pages, and from each page to one transaction.

What is under way is on topics alone: the progress of each list, and the ids of complete ones. Any fault of Kafka ends the
session, and the next one, here or in another worker, goes on behind the last page that was committed. Every transaction has an
offset of the inbox in it, so that the group refuses that of a worker whose partitions went to another.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from confluent_kafka import Consumer, Message, TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from broker import topic_reader
from broker.exactly_once import COMMIT_S, commit, group_consumer, transactional_producer
from broker.outgoing import Record
from broker.topic_reader import key_of, offset_of, partition_of, value_of
from config.model import Configuration
from providers.listing import Listing, Page
from schemas.reconciliation import (
    SCHEDULE,
    Asked,
    Decided,
    Inbox,
    Progress,
    Report,
    Schedule,
    Task,
    Walk,
    decode_inbox,
    encode,
    run_and_listing,
)
from schemas.topics import progress_topic, reconciliation_topic
from streams.hydrate.records import request_record
from streams.reconcile.account import Account, Paged
from streams.reconcile.index import Index, listed_key
from streams.reconcile.listers import Listers
from streams.reconcile.metrics import Metrics
from streams.reconcile.places import Place, kind_of, mark_of
from streams.reconcile.plan import planned
from streams.reconcile.records import ids_record, progress_record, task_record, told_record
from streams.reconcile.resuming import kept
from streams.reconcile.telling import log_report
from streams.reconcile.walks import (
    MOST_QUEUED,
    after_absences,
    after_decided,
    after_page,
    ended,
    is_done,
    is_short,
    moved_on,
    refusal,
)
from streams.reconcile.windows import Rules, begun, due_us

TAKEN_AT_ONCE: Final = 500
TURN_S: Final = 0.02
IDLE_TURN_S: Final = 0.2
NO_LIST: Final = "expected a token and such a list, found none: was the configuration changed?"
PAGES_AT_ONCE: Final = 4
LONGEST_TURN_MS: Final = 1_800_000  # the index of a large deployment is read whole before its first page

log = structlog.get_logger()


class Setting(Struct, frozen=True):
    """What a session is made of. `options` are librdkafka's."""

    options: Mapping[str, str]
    configuration: Configuration
    worker_id: str

    @property
    def app(self) -> str:
        """Return the name in the topics and the group."""
        return self.configuration.worker.app


class Session:
    """Consumer, producer and accounts of one life."""

    def __init__(self, setting: Setting, listers: Listers, index: Index, metrics: Metrics) -> None:
        self._app, self._setting = setting.app, setting
        self._rules = Rules(setting.configuration.reconcile.complete_every_days)
        self._listers, self._index, self._metrics = listers, index, metrics
        self._progress: dict[Place, Progress] = {}
        self._partition_of: dict[Place, int] = {}
        self._accounts: dict[str, Account] = {}
        self._pages: dict[str, asyncio.Task[Paged]] = {}  # by account
        self._next: dict[int, int] = {}  # the inbox's next offset, by partition
        self._scheduled_us: int | None = None
        self._is_index_behind = False
        self._asked: list[Asked] = []
        self._records: list[Record] = []  # of the next transaction
        self._changed: set[Place] = set()
        self._moved: set[int] = set()
        self._told: list[Report] = []
        self._closing: list[Account] = []
        self._producer = transactional_producer(setting.options, f"penstock.{self._app}.reconcile.{setting.worker_id}")
        self._consumer = group_consumer(
            setting.options, f"penstock.{self._app}.reconcile", max_poll_interval_ms=LONGEST_TURN_MS
        )
        inbox = reconciliation_topic(self._app)
        self._consumer.subscribe([inbox], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke)

    async def turn(self) -> None:
        """Take tasks, go on with lists, and commit what follows."""
        self._take()
        self._schedule()
        await self._plan()
        await self._begin()
        self._fold()
        self._end()
        await self._commit()
        self._start_pages()
        for account in self._closing:
            await account.close()
        self._closing.clear()
        await asyncio.sleep(TURN_S if self._pages else IDLE_TURN_S)

    async def close(self) -> None:
        """Leave the group; pages that are under way are given up."""
        for page in self._pages.values():
            page.cancel()
        await asyncio.gather(*self._pages.values(), return_exceptions=True)
        for account in (*self._accounts.values(), *self._closing):
            await account.close()
        await self._listers.close()
        await asyncio.to_thread(self._consumer.close)

    # --- the inbox

    def _take(self) -> None:
        messages = self._consumer.consume(TAKEN_AT_ONCE, 0)
        owned = {part.partition for part in self._consumer.assignment()} if messages else set()
        for message in messages:
            if message.error() is not None:
                log.warning("poll_failed", error=str(message.error()))
            elif partition_of(message) in owned:  # a rebalance inside `consume` may have taken it
                self._moved.add(partition_of(message))
                self._next[partition_of(message)] = offset_of(message) + 1
                self._take_one(_inbox(message), key_of(message).decode(errors="replace"), partition_of(message))

    def _take_one(self, taken: Inbox | None, account: str, partition: int) -> None:
        match taken:
            case Asked():
                self._asked.append(taken)
            case Task():
                self._accept(taken, partition)
            case Decided():
                place = (account, run_and_listing(taken.run)[1])
                known = self._progress.get(place)
                if known is not None:
                    self._put(place, after_decided(known, taken), partition)

    def _accept(self, task: Task, partition: int) -> None:
        place = (task.account, task.listing)
        known = self._progress.get(place) or Progress(*place)
        if len(known.queued) >= MOST_QUEUED:
            self._tell(refusal(task, f"{MOST_QUEUED} runs wait for this list already", _now_us()))
            return
        self._put(place, replace(known, queued=(*known.queued, task)), partition)

    def _schedule(self) -> None:
        """Ask for the daily run when it is due; the owner of the inbox's first partition does, so it is asked for once."""
        configured = self._setting.configuration.reconcile
        if 0 not in self._next or not configured.enabled:
            return
        now_us = _now_us()
        due = None if self._scheduled_us is None else due_us(configured.time, self._scheduled_us, _now())
        if self._scheduled_us is not None and due is None:
            return
        self._scheduled_us = now_us if due is None else due
        self._moved.add(0)
        self._records.append(
            Record(progress_topic(self._app), SCHEDULE, encode(Schedule(self._scheduled_us)), partition=0)
        )
        if due is not None:
            names = [one.name for one in self._setting.configuration.sources if one.reads and one.reconcile != "never"]
            self._asked += [Asked(f"daily-{uuid.uuid4()}", "reconcile", name, now_us, "schedule") for name in names]

    async def _plan(self) -> None:
        """Turn what was asked for into a task for each list of each account."""
        if not self._asked:
            return
        await asyncio.to_thread(self._index.refresh)
        asked, self._asked = self._asked, []
        for one in asked:
            tasks, told = planned(one, self._listers, self._index)
            self._records += [told_record(self._app, told), *(task_record(self._app, task) for task in tasks)]
            log.info("run_planned", run=one.run, source=one.source, kind=one.kind, lists=len(tasks), by=one.by)

    # --- lists

    async def _begin(self) -> None:
        """Begin the next list of each account that goes through none; the one whose last run is the longest ago goes first."""
        busy = {place[0] for place, known in self._progress.items() if known.walk and not known.walk.is_listed}
        queued = [place for place, known in self._progress.items() if known.queued and known.walk is None]
        queued.sort(key=lambda place: _last_us(self._progress[place]))
        # Also before the first page of a walk that another process has begun: here nothing is known to be stored yet.
        if self._is_index_behind or any(place[0] not in busy for place in queued):
            await asyncio.to_thread(self._index.refresh)
            self._is_index_behind = False
        for place in queued:
            if place[0] not in busy and self._begin_one(place):
                busy.add(place[0])

    def _begin_one(self, place: Place) -> bool:
        known = self._progress[place]
        task, left = known.queued[0], known.queued[1:]
        account = self._account(task)
        listing = None if account is None else account.listing(task.listing)
        known = replace(known, queued=left)
        if account is None or listing is None:
            report = refusal(task, NO_LIST, _now_us())
            self._put(place, replace(known, last=report))
            self._tell(report)
            return False
        account.begin_anew()
        walk = begun(
            task,
            listing,
            known,
            _now_us(),
            self._rules,
            is_logged=account.has_log and listing.resource_type is not None,
        )
        self._put(place, replace(known, walk=walk))
        if (
            walk.is_logged and walk.since_us is not None
        ):  # such a list has no window, and the log shows what has changed
            self._finish(place, self._progress[place], "complete", "")
            return False
        return True

    def _account(self, task: Task) -> Account | None:
        account = self._accounts.get(task.account)
        if account is None:
            lister = self._listers.of(task.provider, task.asked.source, task.tenant)
            if lister is None:
                return None
            account = self._accounts[task.account] = Account(task.account, lister)
        return account

    def _list_of(self, place: Place, walk: Walk) -> Listing | None:
        """Return the list of a walk, None if this configuration has no credentials for it any more."""
        account = self._account(walk.task)
        return None if account is None else account.listing(place[1])

    def _start_pages(self) -> None:
        """Ask for the next pages of the accounts that were asked the longest ago."""
        now_s = time.monotonic()
        walks = [
            (place, known.walk)
            for place, known in self._progress.items()
            if known.walk is not None and not known.walk.is_listed and place[0] not in self._pages
        ]
        walks.sort(key=lambda one: (self._accounts[one[0][0]].asked_s if one[0][0] in self._accounts else 0.0, one[0]))
        for place, walk in walks:
            listing = self._list_of(place, walk)
            if len(self._pages) >= PAGES_AT_ONCE:
                return
            if listing is not None and self._accounts[place[0]].may_ask(listing, now_s):
                page = self._accounts[place[0]].page(listing, walk)
                self._pages[place[0]] = asyncio.get_running_loop().create_task(page)

    def _fold(self) -> None:
        """Take the pages that have come: what follows from each is in one transaction with its cursor."""
        for key in [key for key, page in self._pages.items() if page.done()]:
            paged = self._pages.pop(key).result()
            place = (key, paged.listing)
            known = self._progress.get(place)
            if known is None or known.walk is None or known.walk.task.asked.run != paged.run:
                continue
            if isinstance(paged.page, Page):
                self._fold_page(place, known, known.walk, paged.page)
            elif self._accounts[key].has_given_up:
                self._finish(place, known, "failed", f"page {known.walk.pages + 1}: {paged.page.detail}")

    def _fold_page(self, place: Place, known: Progress, walk: Walk, page: Page) -> None:
        asked, kind = walk.task.asked, kind_of(walk)
        is_noted = kind is not None and walk.is_complete and asked.kind == "reconcile"
        mark = mark_of(asked.run, place)
        after, requests = after_page(
            walk, page, self._index.stored, lambda resource: self._index.is_asked(mark, resource), _now_us()
        )
        self._index.asked(mark, (one.resource_key for one in requests))
        self._metrics.paged(asked.source, len(page.listed))
        if is_noted and kind is not None:
            keys = [listed_key(kind, one) for one in page.listed]
            self._index.saw(mark, keys)
            partition = self._partition_of[place]
            self._records.append(ids_record(self._app, partition, known, asked.run, after.pages, keys))
        if after.is_listed and is_short(after):
            detail = f"the list had {after.looked_at:,} of the {after.total:,} resources that the provider counts"
            self._request(requests)
            self._finish(place, replace(known, walk=after), "failed", detail)
            return
        if after.is_listed and is_noted and kind is not None:
            absent = self._index.absent(mark, kind, after.started_us, is_agreed=asked.deletes_absent)
            after, more = after_absences(after, absent, _now_us())
            requests += more
        self._request(requests)
        self._put(place, moved_on(known, after) if after.is_listed else replace(known, walk=after))

    def _request(self, requests: Sequence[Any]) -> None:
        self._records += [request_record(self._app, one) for one in requests]

    def _end(self) -> None:
        """Report the walks whose reads are decided, and those that cannot go on."""
        now_us = _now_us()
        for place, known in list(self._progress.items()):
            if known.walk is None:
                continue
            if not known.walk.is_listed and self._list_of(place, known.walk) is None:
                self._finish(place, known, "failed", NO_LIST)
            elif is_done(known.walk, now_us):
                self._finish(place, known, "dry" if known.walk.task.asked.is_dry else "complete", "")

    def _finish(self, place: Place, known: Progress, status: Any, detail: str) -> None:
        after = ended(known, status, detail, _now_us())
        self._put(place, after)
        if after.last is not None:
            self._index.forget(mark_of(after.last.run, place))
            self._tell(after.last)

    def _tell(self, report: Report) -> None:
        self._records.append(told_record(self._app, report))
        self._told.append(report)

    def _put(self, place: Place, progress: Progress, partition: int | None = None) -> None:
        if partition is not None:
            self._partition_of[place] = partition
        if self._progress.get(place) != progress:
            self._progress[place] = progress
            self._changed.add(place)
            self._moved.add(self._partition_of[place])

    # --- Kafka

    async def _commit(self) -> None:
        if not self._records and not self._changed and not self._moved:
            return
        records = [
            *self._records,
            *(progress_record(self._app, self._partition_of[one], self._progress[one]) for one in self._changed),
        ]
        inbox = reconciliation_topic(self._app)
        offsets = [TopicPartition(inbox, partition, self._next[partition]) for partition in self._moved]
        told, self._told = self._told, []
        self._records, self._changed, self._moved = [], set(), set()
        metadata = self._consumer.consumer_group_metadata()
        await asyncio.to_thread(self._transact, records, offsets, metadata)
        for report in told:
            self._metrics.ended(report)
            log_report(report)

    def _transact(self, records: Sequence[Record], offsets: list[TopicPartition], metadata: Any) -> None:
        commit(self._producer, records, offsets, metadata)

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Load the progress of new partitions, once what their last owner had begun to commit is visible or given up."""
        for part in consumer.committed(partitions, COMMIT_S):
            self._next[part.partition] = max(part.offset, 0)
        with topic_reader.consumer(self._setting.options) as reader:
            for part in partitions:
                self._load(reader, part.partition)
        consumer.incremental_assign(partitions)

    def _load(self, reader: Consumer, partition: int) -> None:
        found = kept(reader, self._app, partition, self._index.saw)
        if found.scheduled_us is not None:
            self._scheduled_us = found.scheduled_us
        self._progress |= found.progress
        self._partition_of |= dict.fromkeys(found.progress, partition)
        self._is_index_behind |= any(known.walk is not None for known in found.progress.values())

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:  # noqa: ARG002 - as librdkafka calls it
        """Forget the accounts of partitions that another worker has now."""
        gone = {part.partition for part in partitions}
        for partition in gone:
            self._next.pop(partition, None)
        if 0 in gone:
            self._scheduled_us = None
        for place in [place for place, partition in self._partition_of.items() if partition in gone]:
            self._partition_of.pop(place)
            self._progress.pop(place, None)
            self._changed.discard(place)
            page = self._pages.pop(place[0], None)
            if page is not None:
                page.cancel()
            account = self._accounts.pop(place[0], None)
            if account is not None:
                self._closing.append(account)
        self._moved -= gone


def _last_us(progress: Progress) -> int:
    return 0 if progress.last is None else progress.last.ended_us


def _inbox(message: Message) -> Inbox | None:
    try:
        taken: Inbox = decode_inbox(value_of(message))
    except ValueError as error:  # msgspec's errors are ValueErrors
        log.warning("strange_task", offset=offset_of(message), error=type(error).__name__)
        return None
    return taken


def _now() -> datetime:
    return datetime.now(UTC)


def _now_us() -> int:
    return time.time_ns() // 1_000
