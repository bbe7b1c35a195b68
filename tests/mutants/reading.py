"""Mutants in how a body and a secret are read: `providers/repair.py`, `providers/outline.py`, `providers/secret_forms.py`."""

from typing import Final

from tests.mutants.mutant import Mutant

REPAIR = "tests/unit/providers/test_repair.py"

READING: Final = (
    Mutant(
        "escaped_backslash_begins_an_escape",
        "The right document: the text `\\\\ud83d`, a backslash and five letters, is taken for half of a character.",
        "providers/repair.py",
        """    plain = text.replace(r"\\\\", "\\x00")\n""",
        """    plain = text\n""",
        (f"{REPAIR}::test_body_is_read_and_the_repair_is_named",),
    ),
    Mutant(
        "ingress_ignores_the_charset",
        "One key: the ingress reads an id as UTF-8, the pipeline reads it as declared, and partition and resource differ.",
        "providers/outline.py",
        "    if declared_charset(content_type) is not None:\n        return read_object(body, content_type)\n",
        "",
        (f"{REPAIR}::test_outline_follows_the_declared_charset",),
    ),
    Mutant(
        "repair_is_not_said",
        "One true outcome: a repaired body is indistinguishable from one that needed no repair.",
        "streams/pipeline.py",
        "    return Result(with_notes(outcome, parsed.notes), routed_changes, writes, told)\n",
        "    return Result(outcome, routed_changes, writes, told)\n",
        ("tests/contract/test_repaired_bodies.py::test_repaired_delivery_is_a_change_and_says_so",),
    ),
    Mutant(
        "unusable_secret_is_blamed_on_the_sender",
        "People can repair it: a refusal says that the signature is wrong where no signature could be right.",
        "providers/secret_forms.py",
        "    if len(texts) < len(secrets):\n",
        "    if texts or len(texts) < len(secrets):\n",
        ("tests/unit/ingress/test_receive.py::test_secrets_that_can_never_match_are_told",),
    ),
    Mutant(
        "explain_prints_every_pointer",
        "People can read it: a push of 19 MB prints tens of thousands of pointers on one line.",
        "console/abridged.py",
        'return f"{shown} and {len(texts) - most:,} more" if len(texts) > most else shown',
        'return ", ".join(texts)',
        ("tests/unit/console/test_abridged.py::test_explain_of_a_large_push_is_a_few_lines",),
    ),
)
