"""Mutants in what people do about dead letters: `console/dead/` and `streams/steps/origin.py`."""

from typing import Final

from tests.mutants.mutant import Mutant

_LETTERS: Final = "tests/unit/console/dead/test_letters.py"
_DELIVERIES: Final = "tests/unit/console/dead/test_deliveries.py"
_ORIGIN: Final = "tests/unit/streams/steps/test_origin.py"

MENDING: Final = (
    Mutant(
        "retry_keeps_the_former_key",
        "Every real change once: a retried letter of a mended source is decided on another partition than its resource.",
        "console/dead/deliveries.py",
        "key=envelope.key if has_resource else delivery.key,",
        "key=delivery.key,",
        (f"{_DELIVERIES}::test_retry_has_the_key_that_the_configuration_names_now",),
    ),
    Mutant(
        "edited_copy_has_the_former_id",
        "Every real change once: an edited copy is a reused id, and each edit of it is dead again.",
        "streams/steps/origin.py",
        'return f"{original_id(delivery_id)}{_EDITED}{hashlib.sha256(body).hexdigest()[:12]}"',
        "return original_id(delivery_id) + str(body)[:0]",
        (f"{_ORIGIN}::test_derived_ids_name_the_original",),
    ),
    Mutant(
        "retry_is_copied_again",
        "Passthrough once: a raw route gets a delivery again with each retry of its letter.",
        "streams/steps/passthrough.py",
        'if origin_of(delivery) != "webhook":',
        'if origin_of(delivery) == "replay":',
        ("tests/unit/streams/steps/test_passthrough.py::test_delivery_of_our_own_is_not_copied",),
    ),
    Mutant(
        "letter_on_its_way_waits",
        "A killed retry is run again: it sends once more what is on its way already.",
        "console/dead/letters.py",
        "on_its_way = [one for one in attempts if not one.is_decided]",
        "on_its_way = [one for one in attempts if one.outcome == one.reason]",
        (f"{_LETTERS}::test_undecided_attempt_is_on_its_way",),
    ),
    Mutant(
        "second_death_is_another_letter",
        "Dead letters are counted once: each retry that dies makes another letter, and attempts stay at 1.",
        "console/dead/letters.py",
        '(record.get("cause") or own) if origin in _ANSWERS else own,',
        "own,",
        (f"{_LETTERS}::test_second_death_is_the_same_letter",),
    ),
    Mutant(
        "dropped_letter_is_decided",
        "Every delivery has one outcome: the word that a letter is given up is read as its provider's, and is dead itself.",
        "streams/pipeline.py",
        "if dropped is not None:",
        "if dropped is not None and not delivery.body:",
        (f"{_ORIGIN}::test_dropped_letter_is_filtered_and_stores_nothing",),
    ),
)
