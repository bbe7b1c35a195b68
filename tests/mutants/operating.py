"""Mutants of the operations port: its answers, their moment, and their readers."""

from typing import Final

from tests.mutants.mutant import Mutant

OPERATING: Final = (
    Mutant(
        "ready_while_it_drains",
        "No delivery is sent where it cannot be taken: /readyz stays as it was after SIGTERM, so a load balancer sends on.",
        "ingress/serve.py",
        "if self.server.is_leaving:",
        "if False:",
        (
            "tests/e2e/test_operations.py::test_readiness_ends_before_the_deliveries_do",
            "tests/e2e/test_lame_duck.py::test_lame_duck_ends_by_draining",
        ),
    ),
    Mutant(
        "lame_duck_closes_its_port",
        "No delivery is lost by a stop: the port closes before balancers know, and GitHub never sends again.",
        "ingress/server/server.py",
        "self.should_exit = self.should_exit or lame_duck_s == 0",
        "self.should_exit = True",
        ("tests/e2e/test_lame_duck.py::test_leaving_ingress_serves_new_connections_until_it_is_asked_again",),
    ),
    Mutant(
        "refused_instance_takes_connections",
        "Instances share a port: one that is refused has listened for a moment, and connections that came to it are reset.",
        "ingress/server/listeners.py",
        "        bound.bind((host, port))\n",
        "        bound.bind((host, port))\n        bound.listen()\n",
        ("tests/unit/ingress/server/test_listeners.py::test_shared_port_takes_no_connection_before_it_can_serve",),
    ),
    Mutant(
        "every_ingress_shares_its_port",
        "Instances share a port if all say so: a second ingress that was started by mistake gets a part of the deliveries.",
        "ingress/server/listeners.py",
        '("--port", listen.host, listen.port, listen.shares_port),',
        '("--port", listen.host, listen.port, True),',
        (
            "tests/unit/ingress/server/test_listeners.py::test_sharing_is_mutual",
            "tests/e2e/test_reuse_port.py::test_shared_port_is_taken_for_an_ingress_without_reuse_port",
        ),
    ),
    Mutant(
        "instances_share_a_spool",
        "Each instance has a spool of its own: two publish the same file, and each deletes what the other has not published.",
        "ingress/delivery/spool_file.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        ("tests/e2e/test_reuse_port.py::test_second_instance_with_one_data_directory_is_refused",),
    ),
    Mutant(
        "waiting_connections_are_reset",
        "No delivery is lost by a stop: connections that wait to be accepted are reset when the port closes.",
        "ingress/server/server.py",
        "await self._take(queue)",
        "queue.close()",
        ("tests/unit/ingress/server/test_server.py::test_connections_in_the_queue_are_answered",),
    ),
    Mutant(
        "replaced_file_is_not_noticed",
        "Sources change while the ingress runs: a mounted file was replaced, its old secrets are used, and nothing says so.",
        "config/mounted_files.py",
        "if real.stat().st_nlink == 0:",
        "if False:",
        ("tests/e2e/test_mounted_file.py::test_replaced_file_is_said_once",),
    ),
    Mutant(
        "mount_is_not_looked_for",
        "Sources change while the ingress runs: that a mounted file will not follow is found out when a secret was rotated.",
        "config/mounted_files.py",
        'return "mounted_alone" if str(real) in mounted else None',
        "return None",
        (
            "tests/unit/config/test_mounted_files.py::test_mounted_file_is_found_by_whatever_name",
            "tests/e2e/test_mounted_file.py::test_check_finds_a_file_that_is_mounted_by_itself",
        ),
    ),
    Mutant(
        "signals_wait_for_the_imports",
        "SIGTERM ends a process: in the first second of a container it is dropped, and the process is killed in the end.",
        "console/entry.py",
        "    for number in STOPPING:\n",
        "    for number in STOPPING[2:]:\n",
        ("tests/e2e/test_early_signals.py::test_first_process_of_a_container_ends_as_well",),
    ),
    Mutant(
        "pages_where_deliveries_come_in",
        "Senders reach deliveries and nothing else: the port of deliveries serves health, too.",
        "ingress/app.py",
        "        answer = answers.unknown_path()\n",
        '        answer = answers.PROBED if _request.url.path == "/healthz" else answers.unknown_path()\n',
        (
            "tests/unit/ingress/test_app.py::test_nothing_but_deliveries_is_served",
            "tests/e2e/test_operations.py::test_each_port_has_its_own_paths",
        ),
    ),
    Mutant(
        "operations_port_waits_for_ever",
        "Operators are answered: a client that connects to the operations port and sends nothing keeps its connection.",
        "broker/operations.py",
        "async with asyncio.timeout(self._timeout_s):",
        "async with asyncio.timeout(None):",
        ("tests/unit/broker/test_operations.py::test_silence_is_ended",),
    ),
    Mutant(
        "operations_port_has_no_limit_of_connections",
        "Memory stays bounded whatever is sent at once: the operations port takes any number of connections.",
        "broker/operations.py",
        "if len(self._open) > self._max_connections:",
        "if False:",
        ("tests/unit/broker/test_operations.py::test_connections_have_a_limit",),
    ),
    Mutant(
        "worker_without_kafka_is_ready",
        "Healthy means that deliveries are decided: a worker stays ready for as long as Kafka is away.",
        "streams/worker/health.py",
        "if silent_s > SILENT_S:",
        "if False:",
        (
            "tests/unit/streams/worker/test_health.py::test_first_that_is_missing_is_said",
            "tests/kafka/test_worker_health.py::test_killed_kafka_makes_a_worker_unready",
        ),
    ),
    Mutant(
        "worker_that_stands_still_is_ready",
        "Healthy means that deliveries are decided: connections and partitions are there, waiting deliveries are ignored.",
        "streams/worker/health.py",
        "self._answered_s, self._waiting = self._clock(), waiting",
        "self._answered_s = self._clock()",
        (
            "tests/unit/streams/worker/test_health.py::test_first_that_is_missing_is_said",
            "tests/kafka/test_worker_health.py::test_worker_that_decides_nothing_is_not_ready",
        ),
    ),
    Mutant(
        "drain_deletes_what_kafka_has_not",
        "A 200 is on Kafka, or in the spool: `penstock spool drain` forgets what Kafka did not acknowledge.",
        "ingress/delivery/spool_drain.py",
        "taken = [row.seq for row, report in zip(rows, reports, strict=True) if isinstance(report, Published)]",
        "taken = [row.seq for row in rows]",
        ("tests/unit/ingress/delivery/test_spool_drain.py::test_nothing_is_deleted_that_kafka_has_not_acknowledged",),
    ),
    Mutant(
        "drain_begins_with_the_newest",
        "The spool keeps the order per resource: a drain publishes its batches the wrong way round.",
        "ingress/delivery/spool_drain.py",
        "publisher.enqueue(row.key, row.value, unpack(row.headers)) for row in rows]",
        "publisher.enqueue(row.key, row.value, unpack(row.headers)) for row in reversed(rows)]",
        ("tests/kafka/test_spool_drain.py::test_killed_drain_doubles_one_batch_at_most",),
    ),
)
