"""Flaws in what a replay compares and corrects: `streams/replay.py`, `streams/beginnings.py` and `streams/steps/correct.py`."""

from typing import Final

from tests.flaws.flaw import Flaw

_REPLAY: Final = "tests/unit/streams/test_replay.py"
_CORRECT: Final = "tests/unit/streams/test_correct.py"

REPLAYING: Final = (
    Flaw(
        "correction_of_what_is_newer",
        "Corrected once: a correction turns back what a delivery has shown since the replay.",
        "streams/steps/correct.py",
        "if stored != correction.replaces:",
        "if not stored and correction.replaces:",
        (f"{_CORRECT}::test_correction_of_what_has_changed_since_is_stale",),
    ),
    Flaw(
        "correction_has_a_new_id_every_time",
        "Corrected once: two replays of the same mistake publish corrections that nobody recognises as the same.",
        "streams/steps/correct.py",
        'name = f"{key}\\0{correction.replaces}',
        'name = f"{now}{key}\\0{correction.replaces}',
        (f"{_CORRECT}::test_delivery_id_names_what_is_put_right",),
    ),
    Flaw(
        "volatile_field_is_turned_back",
        "Right ones not sent again: after a fix that makes a field volatile, its older values are sent out as corrections.",
        "streams/replay.py",
        "diff(have, right.document, right.volatile)",
        "diff(have, right.document)",
        (f"{_REPLAY}::test_field_that_became_volatile_is_not_turned_back",),
    ),
    Flaw(
        "delivery_decided_meanwhile_differs",
        "A bug's changes are found: what workers decide while a replay reads is shown as wrong.",
        "streams/replay.py",
        " or (was is None and is_moving)",
        "",
        (f"{_REPLAY}::test_what_moves_while_it_is_read_is_not_wrong",),
    ),
    Flaw(
        "resource_that_moves_is_corrected",
        "Right ones not sent again: what a delivery puts right while a replay reads is shown as wrong.",
        "streams/replay.py",
        "key in self._agreed or key in self._moved",
        "key in self._agreed",
        (f"{_REPLAY}::test_wrong_resource_that_moves_is_not_judged",),
    ),
    Flaw(
        "history_begins_with_the_topic",
        "Right ones not sent again: where retention has cut the raw topic off, old resources are decided as if they were new.",
        "streams/beginnings.py",
        "return self._beginnings.row(key, self._partition) if row is None else row",
        "return row",
        (f"{_REPLAY}::test_history_beyond_the_raw_topic_makes_no_false_creation",),
    ),
    Flaw(
        "document_on_a_former_topic_counts",
        "Right ones not sent again: what a type has left on a topic that it no longer uses is taken for what consumers have.",
        "streams/replay.py",
        "_put(self._former if is_former else self._state, key, document)",
        "_put(self._state, key, document)",
        ("tests/unit/streams/test_replay.py::test_document_on_a_former_topic_is_not_what_consumers_have",),
    ),
)
