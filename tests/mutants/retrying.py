"""Mutants in retries: waits that nothing ends, and processes that retry in step."""

from typing import Final

from tests.mutants.mutant import Mutant

POLICY = "tests/unit/broker/test_retry_policy.py"

RETRYING: Final = (
    Mutant(
        "told_to_stop_and_tries_again",
        "A worker gives a partition up at once: its restore goes on asking Kafka after it was told to stop.",
        "broker/retry_policy.py",
        "        if event.wait(pause_s):\n            raise Interrupted\n",
        "        event.wait(pause_s)\n",
        (f"{POLICY}::test_stop_ends_the_wait_and_nothing_is_tried_again",),
    ),
    Mutant(
        "all_come_back_in_step",
        "An outage ends once: all processes ask a broker that has just started in the same moment.",
        "broker/retry_policy.py",
        " * random.uniform(1 - JITTER, 1)",
        "",
        (f"{POLICY}::test_processes_do_not_come_back_in_step",),
    ),
)
