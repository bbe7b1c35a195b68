"""Mutants of echoes: changes of others that are taken for the program's own, and declarations from anybody."""

from typing import Final

from tests.mutants.mutant import Mutant

ECHOES = "tests/unit/streams/steps/test_echoes.py"
WRITES = "tests/unit/ingress/test_declared_writes.py"

ECHOING: Final = (
    Mutant(
        "echo_hides_what_others_did",
        "Every change of somebody else is heard: one that a delivery shows beside a declared write counts as the program's own.",
        "streams/steps/echoes.py",
        "all(_is_covered(pointer, covered) for pointer in change.changed)",
        "any(_is_covered(pointer, covered) for pointer in change.changed)",
        (f"{ECHOES}::test_write_that_is_shown_with_what_others_did_is_used_up",),
    ),
    Mutant(
        "declaration_counts_twice",
        "A declared write accounts for one change: the same change by somebody else is taken for it, too.",
        "streams/steps/echoes.py",
        "            lasting[number] = replace(lasting[number], is_used=True)\n",
        "            pass\n",
        (f"{ECHOES}::test_write_is_used_up_by_its_change",),
    ),
    Mutant(
        "installation_is_taken_for_the_actor",
        "Every change of somebody else is heard: all that happens where a GitHub app is installed counts as its own.",
        "streams/steps/echoes.py",
        "    if author.sender_id in echoes.sender_ids and is_here:\n",
        "    if echoes.installation_ids and is_here:\n",
        (f"{ECHOES}::test_github_s_senders_are_known_by_their_ids",),
    ),
    Mutant(
        "anybody_declares_writes",
        "Only who has the token declares writes: any token will do.",
        "ingress/declared_writes.py",
        'compare_digest(given[len(SCHEME) :].encode("latin-1"), token)',
        "bool(token)",
        (f"{WRITES}::test_wrong_token_is_refused_unread",),
    ),
)
