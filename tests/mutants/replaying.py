"""Mutants in a replay's comparisons and corrections: `streams/replay/` and `streams/steps/correction.py`."""

from typing import Final

from tests.mutants.mutant import Mutant

_REPLAY: Final = "tests/unit/streams/replay/test_redecide.py"
_CORRECT: Final = "tests/unit/streams/steps/test_correction.py"

REPLAYING: Final = (
    Mutant(
        "correction_of_what_is_newer",
        "Corrected once: a correction turns back what a delivery has shown since the replay.",
        "streams/steps/correction.py",
        "if stored != correction.replaces:",
        "if not stored and correction.replaces:",
        (f"{_CORRECT}::test_correction_of_what_has_changed_since_is_stale",),
    ),
    Mutant(
        "correction_has_a_new_id_every_time",
        "Corrected once: two replays of the same mistake publish corrections with different ids.",
        "streams/steps/correction.py",
        'name = f"{key}\\0{correction.replaces}',
        'name = f"{now}{key}\\0{correction.replaces}',
        (f"{_CORRECT}::test_delivery_id_names_what_is_put_right",),
    ),
    Mutant(
        "volatile_field_is_turned_back",
        "Right ones not sent again: after a fix that makes a field volatile, its older values are sent out as corrections.",
        "streams/replay/redecide.py",
        "diff(have, right.document, right.volatile)",
        "diff(have, right.document)",
        (f"{_REPLAY}::test_field_that_became_volatile_is_not_turned_back",),
    ),
    Mutant(
        "delivery_decided_meanwhile_differs",
        "A bug's changes are found: what workers decide while a replay reads is shown as wrong.",
        "streams/replay/redecide.py",
        " or (was is None and is_moving)",
        "",
        (f"{_REPLAY}::test_what_moves_while_it_is_read_is_not_wrong",),
    ),
    Mutant(
        "resource_that_moves_is_corrected",
        "Right ones not sent again: what a delivery puts right while a replay reads is shown as wrong.",
        "streams/replay/redecide.py",
        "key in self._agreed or key in self._moved",
        "key in self._agreed",
        (f"{_REPLAY}::test_wrong_resource_that_moves_is_not_judged",),
    ),
    Mutant(
        "history_begins_with_the_topic",
        "Right ones not sent again: where retention has cut the raw topic off, old resources are decided as if they were new.",
        "streams/replay/truncated_log.py",
        "return self._truncated_log.row(key, self._partition) if row is None else row",
        "return row",
        (f"{_REPLAY}::test_history_beyond_the_raw_topic_makes_no_false_creation",),
    ),
    Mutant(
        "document_on_a_former_topic_counts",
        "Right ones not sent again: what a type has left on a topic that it no longer uses is taken for what consumers have.",
        "streams/replay/redecide.py",
        "_put(self._former if is_former else self._state, key, document)",
        "_put(self._state, key, document)",
        ("tests/unit/streams/replay/test_redecide.py::test_document_on_a_former_topic_is_not_what_consumers_have",),
    ),
)
