"""Mutants in a batch's transaction, the tables on disk, and worker ids: `streams/worker/` and `streams/state/`."""

from typing import Final

from tests.mutants.mutant import Mutant

_BATCH: Final = "tests/kafka/test_one_batch.py"

TRANSACTING: Final = (
    Mutant(
        "offsets_committed_before_the_outputs",
        "One outcome per accepted delivery: killed between the two, a batch is skipped that nothing came of.",
        "streams/worker/transaction.py",
        "        self._ending = in_background(self._commit, self._producer.client, list(offsets), metadata)\n",
        "        consumer.commit(offsets=list(offsets), asynchronous=False)\n"
        "        self._ending = in_background(self._commit, self._producer.client, [], metadata)\n",
        (f"{_BATCH}::test_killed_at_a_point_of_a_batch[flushed]",),
    ),
    Mutant(
        "outputs_outside_of_the_transaction",
        "Every real change once: what an aborted batch produced is visible, and is produced again.",
        "streams/worker/transaction.py",
        "        self._is_open = False  # for records\n",
        """        self._is_open = False
        outside = Producer(dict(options))

        def produce(topic: str, key: Any, value: Any, headers: Any = None) -> None:
            outside.produce(topic, value, key, headers=headers)
            outside.poll(0)

        self.produce = produce
""",
        (f"{_BATCH}::test_transaction_that_fails_is_taken_back[flushed]",),
    ),
    Mutant(
        "tables_stored_before_the_commit",
        "Every real change once: rows of a transaction that is aborted make its deliveries duplicates when they come again.",
        "streams/worker/commit.py",
        "        self._pending = _Pending(len(messages), _first(map(offset_of, messages)), written)\n",
        """        self._pending = _Pending(len(messages), _first(map(offset_of, messages)), written)
        self._transaction._producer.client.flush()
        for tables, offsets in written:
            tables.store(offsets)
""",
        (f"{_BATCH}::test_transaction_that_fails_is_taken_back[flushed]",),
    ),
    Mutant(
        "aborted_rows_stay_in_memory",
        "Every real change once: the rows of an aborted batch make its deliveries duplicates when they come again.",
        "streams/worker/commit.py",
        "                self._partitions.tables[partition].drop()\n",
        "",
        (f"{_BATCH}::test_transaction_that_fails_is_taken_back[flushed]",),
    ),
    Mutant(
        "rows_being_committed_are_not_read",
        "Every real change once: a batch is decided as if the one before it, which is not on disk yet, had not been.",
        "streams/state/tables.py",
        "            row = self.sealed.get(key)\n",
        "            row = None\n",
        ("tests/unit/streams/state/test_tables.py::test_newest_layer_is_read",),
    ),
    Mutant(
        "rows_being_decided_are_stored",
        "Every real change once: rows of a batch that is aborted later are on disk with those of the one before.",
        "streams/state/tables.py",
        "            for key, row in self.tables[name].sealed.items():\n",
        "            for key, row in {**self.tables[name].sealed, **self.tables[name].overlay}.items():\n",
        ("tests/unit/streams/state/test_tables.py::test_committed_rows_are_stored_and_no_others",),
    ),
    Mutant(
        "batch_decided_behind_an_aborted_one_goes_on",
        "One outcome per accepted delivery: the batch that Kafka did not take is never read again.",
        "streams/worker/commit.py",
        "        pending = {} if self._pending is None else self._pending.first\n",
        "        pending: dict[int, int] = {}\n",
        (f"{_BATCH}::test_transaction_that_fails_is_taken_back[overtaken]",),
    ),
    Mutant(
        "everything_is_held",
        "Bounded memory: while Kafka keeps a commit waiting, all that is decided meanwhile piles up.",
        "streams/worker/transaction.py",
        "        if self.buffered_bytes > HELD_BYTES:\n",
        "        if not self._buffered:\n",
        ("tests/kafka/test_transaction.py::test_what_is_held_is_bounded",),
    ),
    Mutant(
        "aborted_batch_is_not_read_again",
        "One outcome per accepted delivery: after an aborted transaction the worker goes on behind it.",
        "streams/worker/commit.py",
        "                self._consumer.seek(TopicPartition(RAW, partition, offset))\n",
        "",
        (f"{_BATCH}::test_transaction_that_fails_is_taken_back[flushed]",),
    ),
    Mutant(
        "lost_commit_counts_as_aborted",
        "Every real change once: after an outage, what Kafka committed without being able to say so is decided again.",
        "streams/worker/transaction.py",
        "        if self._committed() == self._offsets:\n",
        "        if not self._offsets:\n",
        (f"{_BATCH}::test_client_that_does_not_come_back_is_replaced[answered]",),
    ),
    Mutant(
        "lost_commit_counts_as_done",
        "One outcome per accepted delivery: after an outage, what was lost with the client is taken for committed.",
        "streams/worker/transaction.py",
        "        if self._committed() == self._offsets:\n",
        "        if self._offsets:\n",
        (f"{_BATCH}::test_client_that_does_not_come_back_is_replaced[flushed]",),
    ),
    Mutant(
        "lost_client_ends_the_worker",
        "The worker goes on after an outage: without a supervisor it stays dead.",
        "streams/worker/producer.py",
        "        while self.is_lost:\n",
        "        if self.is_lost:\n            raise Fatal(self.transactional_id)\n        while self.is_lost:\n",
        (f"{_BATCH}::test_client_that_does_not_come_back_is_replaced[flushed]",),
    ),
    Mutant(
        "latest_is_not_in_the_changelog",
        "Tables survive the disk: what *latest* held is gone when the partition moves or the disk is lost.",
        "streams/worker/commit.py",
        "            topic_partition = changelog_topic(self._app, name), partition\n",
        """            if name == "latest":
                offsets[name] = tables.next_offset(name)
                continue
            topic_partition = changelog_topic(self._app, name), partition
""",
        (f"{_BATCH}::test_another_worker_takes_over_with_the_tables",),
    ),
    Mutant(
        "assigned_without_a_restore",
        "Tables survive the disk: a worker that gets a partition decides without what the one before knew.",
        "streams/worker/assignment.py",
        "        return restore.run(open_tables(home) if broken is None else empty_tables(home, broken))\n",
        "        self._progress.end(partition)\n"
        "        return open_tables(home) if broken is None else empty_tables(home, broken)\n",
        (f"{_BATCH}::test_another_worker_takes_over_with_the_tables",),
    ),
    Mutant(
        "restore_ends_at_the_last_stable_offset",
        "Tables survive the disk: rows committed behind a dead worker's open transaction are not restored.",
        "streams/state/restore.py",
        "        level = IsolationLevel.READ_UNCOMMITTED\n",
        "        level = IsolationLevel.READ_COMMITTED\n",
        ("tests/kafka/test_restore.py::test_restore_waits_for_an_open_transaction_in_front_of_committed_rows",),
    ),
    Mutant(
        "fenced_worker_goes_on",
        "Two workers with one id cannot both work: the older one keeps its partitions and commits nothing of them any more.",
        "streams/worker/consumer.py",
        "            except (Fatal, KafkaException) as fault:\n                die(fault)\n",
        "            except (Fatal, KafkaException) as fault:\n"
        '                log.critical("worker_ends", error=str(fault))\n'
        "                await asyncio.sleep(1)\n",
        ("tests/kafka/test_worker_ids.py::test_fenced_worker_exits_and_says_why",),
    ),
    Mutant(
        "idle_worker_is_not_told_of_its_twin",
        "Two workers with one id cannot both work: as long as nothing arrives both run side by side.",
        "streams/worker/consumer.py",
        "        elif time.monotonic() >= self._check_id_at_s and not self.should_stop:\n            await self._check_id()\n",
        "",
        ("tests/kafka/test_worker_ids.py::test_idle_worker_notices_that_its_id_was_taken_over",),
    ),
    Mutant(
        "worker_ends_when_it_cannot_abort",
        "An idle worker outlives an outage: Kafka goes away while it asks whose its id is, and the worker ends.",
        "streams/worker/producer.py",
        "            if isinstance(fault, Fatal):\n                raise fault from error\n",
        "            raise Fatal(self.transactional_id) from error\n",
        ("tests/kafka/test_idle_outage.py::test_check_of_the_id_outlasts_an_outage",),
    ),
    Mutant(
        "directory_is_shared",
        "Two workers with one id cannot both work: in one directory they do until one of them opens a table.",
        "config/process_lock.py",
        "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        (
            "tests/unit/streams/state/test_directory_lock.py::test_second_worker_is_told_who_holds_the_directory",
            "tests/kafka/test_worker_ids.py::test_second_worker_in_the_same_directory_never_starts",
        ),
    ),
    Mutant(
        "partition_read_anew_is_decided_anew",
        "Every delivery has one outcome: after a reset of its position by librdkafka a partition is decided a second time.",
        "streams/worker/positions.py",
        "            if offset < self._next.get(partition, 0):\n",
        "            if False:\n",
        ("tests/unit/streams/worker/test_positions.py::test_partition_that_begins_anew_brings_only_what_follows",),
    ),
)
