"""Mutants at the ingress: verification, the kept parts of a request, and the moment of the answer."""

from typing import Final

from tests.mutants.mutant import Mutant

ENTERING: Final = (
    Mutant(
        "refused_delivery_is_kept",
        "Nothing unverified gets in: a delivery with a wrong signature goes to Kafka as if it were right.",
        "ingress/receive.py",
        "                return answers.unsigned(verdict)\n",
        "                found = source.provider.identify(source.name, request)\n"
        "                return raw_delivery(source.provider, source.name, request, found, now)\n",
        ("tests/unit/ingress/test_receive.py::test_unverified_delivery_is_not_published",),
    ),
    Mutant(
        "secret_header_is_kept",
        "No secret on a topic: Shopery's secret lies on `webhooks.raw` with every delivery.",
        "providers/received.py",
        "        and name not in secret_headers\n        and name not in NEVER_KEPT\n",
        "",
        ("tests/unit/ingress/test_receive.py::test_secret_header_is_never_kept",),
    ),
    Mutant(
        "sender_writes_our_headers",
        "Nothing unverified gets in: a sender's header says on the record what only Penstock may say of a delivery.",
        "providers/received.py",
        "        and not name.startswith(OUR_OWN)\n",
        "",
        ("tests/unit/ingress/test_receive.py::test_secret_header_is_never_kept",),
    ),
    Mutant(
        "first_address_is_believed",
        "Only allowed addresses post: an allowed one that the sender writes into `X-Forwarded-For` counts.",
        "ingress/admission/client_address.py",
        'for hop in reversed(forwarded_for.split(",")):',
        'for hop in forwarded_for.split(","):',
        ("tests/unit/ingress/admission/test_client_address.py::test_sender_is_the_last_hop_that_is_no_trusted_proxy",),
    ),
    Mutant(
        "answered_before_the_acknowledgement",
        "A 200 is on Kafka: it is sent as soon as the producer has the record in its queue.",
        "ingress/delivery/publisher.py",
        "        self._unreported += 1\n        if self._unreported == 1:\n",
        "        self._unreported += 1\n        future.set_result(PUBLISHED)\n        if self._unreported == 1:\n",
        ("tests/unit/ingress/delivery/test_publisher.py::test_silent_kafka_is_not_waited_for",),
    ),
    Mutant(
        "answered_before_the_disk",
        "A 200 is fsynced in the spool: it is sent before the spool's thread has written anything.",
        "ingress/delivery/spool.py",
        "        self._tasks.put(_Append(row, future))\n        return row, future\n",
        "        self._tasks.put(_Append(row, future))\n        _resolve(future, None)\n        return row, future\n",
        ("tests/unit/ingress/delivery/test_spool.py::test_sigkill_loses_nothing_that_was_confirmed",),
    ),
    Mutant(
        "spool_forgets_before_the_acknowledgement",
        "A 200 is on Kafka, or in the spool: after a kill during a drain, unacknowledged deliveries are lost.",
        "ingress/delivery/failover_publisher.py",
        "            if futures:\n                await asyncio.wait(futures)\n",
        "            self._run(self._retry_write(partial(self._spool.delete, rows)))\n"
        "            if futures:\n                await asyncio.wait(futures)\n",
        ("tests/unit/ingress/delivery/test_failover_publisher.py::test_row_stays_in_the_spool_until_kafka_has_it",),
    ),
    Mutant(
        "new_deliveries_overtake_the_spool",
        "The spool keeps the order per resource: with Kafka back, what arrives goes before what waits.",
        "ingress/delivery/failover_publisher.py",
        "        if not self.is_direct:\n            return await self._keep(key, value, headers, None)\n",
        "",
        ("tests/unit/ingress/delivery/test_failover_publisher.py::test_restart_drains_first",),
    ),
    Mutant(
        "disk_is_looked_at_only_after_a_write",
        "An outage of Kafka costs no delivery: a disk that was short once stays refused until a restart, for nothing is written.",
        "ingress/delivery/spool.py",
        "            if not tasks or any(isinstance(task, _Look) for task in tasks):\n                self._look()\n",
        "",
        ("tests/unit/ingress/delivery/test_spool.py::test_short_disk_is_looked_at_again",),
    ),
    Mutant(
        "failing_disk_is_not_tried_again",
        "An outage of Kafka costs no delivery: after a failed write /readyz never recovers, and no delivery comes to try it.",
        "ingress/delivery/spool.py",
        "        self.is_failing = fault is not None\n",
        "        self.is_failing = self.is_failing or fault is not None\n",
        ("tests/unit/ingress/delivery/test_spool.py::test_failing_disk_stays_failing_until_it_takes_a_write",),
    ),
    Mutant(
        "ready_while_everything_is_refused",
        "An outage of Kafka costs no delivery: a balancer goes on sending to a process that answers 503.",
        "ingress/observability/health.py",
        "        if refusal is not None:\n            return refusal.reason\n        now = self._clock()\n",
        "        now = self._clock()\n",
        (
            "tests/unit/ingress/observability/test_health.py::test_refused_deliveries_count_for_more_than_kafkas_answers",
        ),
    ),
)
