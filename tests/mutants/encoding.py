"""Mutants in the encoding of typed values and envelopes: `schemas/typed/`."""

from typing import Final

from tests.mutants.mutant import Mutant

ENCODE = "tests/unit/schemas/typed/test_encode.py"
ENVELOPE = "tests/unit/schemas/typed/test_envelope.py"
PRIMITIVES = "tests/unit/schemas/typed/test_primitives.py"

ENCODING: Final = (
    Mutant(
        "other_spelling_is_forgotten",
        "Nothing is lost: an amount of four decimals comes back with two, and its fingerprint differs.",
        "schemas/typed/decimals.py",
        "    return Amount(_piece(units), _text(units) == text)\n",
        "    return Amount(_piece(units), is_exact=True)\n",
        (f"{ENCODE}::test_other_spelling_keeps_the_value_in_its_column",),
    ),
    Mutant(
        "second_offset_is_forgotten",
        "Nothing is lost: a time with another offset than the first comes back with the first one's.",
        "schemas/typed/encode.py",
        "        if not time.is_exact or time.utc_offset != times[0].utc_offset:\n",
        "        if not time.is_exact:\n",
        (f"{ENCODE}::test_times_of_another_offset_keep_their_value",),
    ),
    Mutant(
        "boolean_is_a_number",
        "The value's own type: `true` in a column of Unix seconds becomes the first second of 1970.",
        "schemas/typed/times.py",
        "    if type(value) is not int or not _FIRST_S <= value <= _LAST_S:\n",
        "    if not isinstance(value, int) or not _FIRST_S <= value <= _LAST_S:\n",
        (f"{ENCODE}::test_misfit_is_marked_and_kept",),
    ),
    Mutant(
        "null_is_absent",
        "Nothing is lost: a field that the provider sent as null is gone.",
        "schemas/typed/encode.py",
        "            nulls.append({framed!r})\n",
        "            pass\n",
        (f"{ENCODE}::test_null_is_not_absent",),
    ),
    Mutant(
        "amount_is_rounded_to_28_digits",
        "Every digit: Python's default context rounds amounts that decimal(38, 9) holds.",
        "schemas/typed/decimals.py",
        "    return int(number.scaleb(SCALE, _EXACT))\n",
        "    return int(number.scaleb(SCALE))\n",
        (f"{ENCODE}::test_value_that_fits_is_in_its_column_alone",),
    ),
    Mutant(
        "unknown_fields_in_arrival_order",
        "The same document gives the same bytes: a replay that reads fields in another order writes another record.",
        "schemas/typed/encode.py",
        "tuple(sorted(document.keys() - names))",
        "tuple(name for name in document if name not in names)",
        (f"{ENCODE}::test_order_of_fields_does_not_matter",),
    ),
    Mutant(
        "empty_document_is_null",
        "Avro as fastavro writes it: a null resource and an encoded one take the same branch of the union.",
        "schemas/typed/envelope.py",
        '    "null or resource record": "NULL if {value} is None else SOME, {value} or b\'\',",\n',
        '    "null or resource record": "NULL, {value} or b\'\',",\n',
        (f"{ENVELOPE}::test_typed_change_contains_the_bytes_of_its_resources",),
    ),
    Mutant(
        "length_in_characters",
        "Avro as fastavro writes it: a text with an umlaut has more bytes than characters.",
        "schemas/typed/primitives.py",
        "    content = text.encode()\n    return COUNTS[len(content)] + content\n",
        "    return COUNTS[len(text)] + text.encode()\n",
        (f"{PRIMITIVES}::test_length_of_a_text_is_that_of_its_bytes",),
    ),
    Mutant(
        "negative_number_without_zigzag",
        "Avro as fastavro writes it: times before 1970 and negative numbers are written wrongly.",
        "schemas/typed/primitives.py",
        "number << 1 if high == 0 else ~(number << 1)",
        "number << 1 if high == 0 else -(number << 1)",
        (f"{PRIMITIVES}::test_long_is_fastavros_at_every_power_of_two",),
    ),
    Mutant(
        "cache_of_texts_never_ends",
        "Bounded memory: every text that a sender chooses stays.",
        "schemas/typed/primitives.py",
        "        if len(self) >= MAX_CACHED:\n            self.clear()\n",
        "",
        (f"{PRIMITIVES}::test_caches_are_bounded",),
    ),
)
