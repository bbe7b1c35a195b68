"""Mutants of reconciliation: resources that are missed, asked for twice, or deleted wrongly."""

from typing import Final

from tests.mutants.mutant import Mutant

COMPARISON = "tests/unit/streams/reconcile/test_comparison.py"
ABSENCES = "tests/unit/streams/reconcile/test_absences.py"
WALKS = "tests/unit/streams/reconcile/test_walks.py"
PIPELINE = "tests/unit/streams/test_hydration.py"
SESSION = "tests/kafka/test_reconcile_session.py"

RECONCILING: Final = (
    Mutant(
        "list_that_lags_counts_as_news",
        "A quiet day costs pages alone: an older version in a list is read, too.",
        "streams/reconcile/comparison.py",
        "    return shown_us > stored.at_us\n",
        "    return shown_us != stored.at_us\n",
        (f"{COMPARISON}::test_only_what_is_newer_or_unknown_is_read",),
    ),
    Mutant(
        "hidden_half_is_deleted",
        "Nothing is deleted wrongly: a right that was taken away hides resources, and all of them are looked for by id.",
        "streams/reconcile/absences.py",
        "    return max(1, min(MOST, int(stored * MOST_SHARE)))\n",
        "    return stored\n",
        (f"{ABSENCES}::test_a_twentieth_at_most_a_thousand",),
    ),
    Mutant(
        "new_resource_counts_as_absent",
        "Nothing is deleted wrongly: what was stored after a list began cannot be in it.",
        "streams/reconcile/comparison.py",
        "stored.at_us is not None and stored.at_us < started_us\n",
        "stored.at_us is not None\n",
        (f"{COMPARISON}::test_absent_is_what_lives_and_is_older_than_the_list",),
    ),
    Mutant(
        "watermark_moves_without_the_whole_list",
        "Nothing is missed: the next run begins behind a list that was not complete.",
        "streams/reconcile/walks.py",
        "task.asked.is_dry or is_short(walk):\n        return replace(progress, walk=walk)\n",
        "task.asked.is_dry:\n        return replace(progress, walk=walk)\n",
        (f"{WALKS}::test_list_with_fewer_resources_than_counted_is_not_complete",),
    ),
    Mutant(
        "first_sight_counts_as_created",
        "Consumers do not take what was only seen for new: a first sight in a list is c.",
        "streams/pipeline.py",
        '        op = "r" if subject.latest is None and is_listed(subject.delivery) else "c"\n',
        '        op = "c"\n',
        (f"{PIPELINE}::test_first_sight_in_a_list_is_no_creation",),
    ),
    Mutant(
        "walk_goes_on_without_the_index",
        "A run that another worker has begun asks for everything again, because here nothing seems to be stored.",
        "streams/reconcile/session.py",
        "        self._is_index_behind |= any(known.walk is not None for known in found.progress.values())\n",
        "",
        (f"{SESSION}::test_killed_at_every_page_it_asks_for_each_resource_once",),
    ),
)
