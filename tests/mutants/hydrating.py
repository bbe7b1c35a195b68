"""Mutants of hydration: callbacks that are lost or answered too early, and quotas that are overspent."""

from typing import Final

from tests.mutants.mutant import Mutant

PIPELINE = "tests/unit/streams/test_hydration.py"
BUDGET = "tests/unit/streams/hydrate/test_budget.py"
WISHES = "tests/unit/streams/hydrate/test_wishes.py"
POLICY = "tests/unit/streams/hydrate/test_policy.py"
ACCOUNT = "tests/unit/streams/hydrate/test_account.py"
SESSION = "tests/kafka/test_hydration_session.py"
OFFSETS = "tests/unit/streams/hydrate/test_offsets.py"
REDECIDE = "tests/unit/streams/replay/test_redecide.py"

HYDRATING: Final = (
    Mutant(
        "read_answers_what_came_after_it",
        "A change is not lost: a read that started before a callback came answers it all the same.",
        "streams/steps/waiting.py",
        "    taken = [delivery for delivery in waiting if delivery.offset <= up_to]\n",
        "    taken = list(waiting)\n",
        (f"{PIPELINE}::test_read_answers_what_came_before_it",),
    ),
    Mutant(
        "repeated_callback_waits_again",
        "Every delivery has one outcome: the provider's retry of a callback waits beside it.",
        "streams/pipeline.py",
        "    _remember(subject, writes)\n    request = hydration",
        "    request = hydration",
        (f"{PIPELINE}::test_repeated_callback_does_not_wait_twice",),
    ),
    Mutant(
        "failed_read_leaves_what_waits",
        "Every delivery ends: what waits for a resource that cannot be read waits forever.",
        "streams/pipeline.py",
        '    if read.status == "failed":\n        return give_up(delivery, tables, Outcome("dead", "not_read", read.detail))\n',
        '    if read.status == "failed":\n        return dead("not_read", read.detail)\n',
        (f"{PIPELINE}::test_read_that_failed_makes_dead_letters",),
    ),
    Mutant(
        "notification_replaces_a_document",
        "The stored document is never poorer than what was read: without credentials a callback replaces it.",
        "streams/steps/hydration.py",
        '    if not snapshot.is_reference or latest is None or latest.document is None or latest.shown_by != "read":\n',
        "    if True:\n",
        (f"{PIPELINE}::test_notification_does_not_replace_a_document",),
    ),
    Mutant(
        "replay_deletes_what_waits",
        "A replay corrects mistakes only: it takes a resource that waits for a read for one that is gone.",
        "streams/replay/redecide.py",
        "        if waiting.listed(key.decode(), Rows(self._latest.get, {})):\n            return True\n",
        "",
        (f"{REDECIDE}::test_resource_that_waits_for_a_read_is_left_alone",),
    ),
    Mutant(
        "quota_is_spent_whole",
        "The user's other apps keep their share: Penstock spends all of an account's quota.",
        "streams/hydrate/budget.py",
        "LEFT_TO_OTHERS: Final = 0.2 ",
        "LEFT_TO_OTHERS: Final = 0.0 ",
        (f"{BUDGET}::test_share_is_left_to_others",),
    ),
    Mutant(
        "provider_is_flooded_after_an_outage",
        "An outage is met with a slow start: as many requests at once as before it.",
        "streams/hydrate/budget.py",
        "        self._settle(cost)\n        self._hear(cost, quota, now_s)\n        self._at_once = 1\n",
        "        self._settle(cost)\n        self._hear(cost, quota, now_s)\n",
        (f"{BUDGET}::test_outage_is_met_with_growing_pauses_and_a_slow_start",),
    ),
    Mutant(
        "late_answer_raises_the_quota",
        "The quota is never exceeded: an answer that overtook another one gives back what was spent.",
        "streams/hydrate/budget.py",
        "        elif self._is_of_same_window(quota, now_s):\n",
        "        elif False:\n",
        (f"{BUDGET}::test_answers_that_come_in_another_order_do_not_raise_what_is_left",),
    ),
    Mutant(
        "burst_forgets_its_callbacks",
        "No request is passed over: of a burst only the first one holds the committed offset.",
        "streams/hydrate/wishes.py",
        "        known.positions.append(position)\n",
        "",
        (f"{WISHES}::test_burst_is_one_wish",),
    ),
    Mutant(
        "resource_is_read_twice_at_once",
        "A read answers what came before it: a second read of a resource overtakes the first.",
        "streams/hydrate/wishes.py",
        " and key not in self._reading",
        "",
        (f"{WISHES}::test_one_read_of_a_resource_at_a_time",),
    ),
    Mutant(
        "offset_passes_over_an_open_request",
        "Every delivery ends, whatever is killed: offsets go beyond a request that is not answered.",
        "streams/hydrate/offsets.py",
        "            position = next(iter(self._open[partition]), following)\n",
        "            position = following\n",
        (f"{OFFSETS}::test_oldest_open_request_holds_the_position",),
    ),
    Mutant(
        "not_found_once_is_gone",
        "A resource is not deleted because a list lagged: what was not found is taken for gone at once.",
        "streams/hydrate/policy.py",
        "            if not request.missing:\n",
        "            if False:\n",
        (f"{POLICY}::test_not_found_is_read_once_more",),
    ),
    Mutant(
        "attempts_are_not_counted",
        "Every delivery ends: a read that always fails is tried forever.",
        "streams/hydrate/policy.py",
        "    tried = replace(request, attempts=request.attempts + 1, detail=read.detail)\n",
        "    tried = replace(request, detail=read.detail)\n",
        (f"{POLICY}::test_failures_are_counted_and_wait_longer",),
    ),
    Mutant(
        "older_read_is_taken",
        "A change is not lost: a read that shows the state before its callback is taken for the newest.",
        "streams/hydrate/policy.py",
        "    if is_early and request.early < len(EARLY_S):\n",
        "    if False:\n",
        (f"{POLICY}::test_older_than_its_callback_is_read_again_and_then_taken",),
    ),
    Mutant(
        "pause_outlasts_a_rebalance",
        "Every delivery ends: a partition that went to another worker and came back stays paused.",
        "streams/hydrate/session.py",
        "        consumer.resume(partitions)\n",
        "",
        (f"{SESSION}::test_what_waits_for_its_time_outlasts_a_rebalance",),
    ),
    Mutant(
        "short_refusal_delays_for_long",
        "A token that is refused for some seconds delays what comes meanwhile by ten minutes.",
        "streams/hydrate/account.py",
        "is_stopped = self.refusals >= len(PROBE_S)",
        "is_stopped = self.refusals > 0",
        (f"{ACCOUNT}::test_short_refusal_parks_nothing",),
    ),
)
