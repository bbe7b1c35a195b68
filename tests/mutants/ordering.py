"""Mutants in what names and orders the resources of GitHub: ranks, relations, ids."""

from typing import Final

from tests.mutants.mutant import Mutant

_LIVES: Final = "tests/contract/test_github_lives.py::test_life_ends_the_same_in_every_order"
_ENDS: Final = "tests/contract/test_github_lives.py::test_life_ends_as_it_happened"
_DECISIONS: Final = "tests/unit/streams/steps/test_decisions.py::test_situation_is_decided_as_documented"
_RANKS: Final = "tests/unit/providers/github/test_ranks.py"
_RELATIONS: Final = "tests/unit/providers/github/test_relations.py"

ORDERING: Final = (
    Mutant(
        "phase_does_not_go_before_the_time",
        "Order of a resource: a job that completed before it started stays queued.",
        "streams/steps/dedup.py",
        "        if phase != stored_phase:\n",
        "        if phase < stored_phase:\n",
        (_LIVES, _DECISIONS),
    ),
    Mutant(
        "removed_relation_cannot_come_back_at_once",
        "Every real change once: a repository that is added again in the second of its removal is lost.",
        "streams/steps/dedup.py",
        "    if latest.is_deleted and not latest.state_rank:\n",
        "    if latest.is_deleted:\n",
        (_DECISIONS, f"{_RELATIONS}::test_relation_comes_goes_and_comes_back"),
    ),
    Mutant(
        "attempt_is_not_counted",
        "Order of a resource: a run that is started again stays completed.",
        "providers/github/ranks.py",
        "(attempt * STAGES_PER_ATTEMPT + stage)",
        "stage",
        (f"{_RANKS}::test_any_state_of_a_later_attempt_is_later", _ENDS),
    ),
    Mutant(
        "creation_is_as_late_as_any_other_action",
        "Order of a resource: `opened` takes away the label of the `labeled` that overtook it.",
        "providers/github/ranks.py",
        "return FIRST if action in rank.first else LATER",
        "return LATER",
        (f"{_RANKS}::test_rank_of_an_action", _LIVES),
    ),
    Mutant(
        "removed_repository_counts_as_added",
        "Every real change once: a repository that an installation loses is emitted as if it were added.",
        "providers/github/resources.py",
        "is_removed=listed.is_removed)",
        "is_removed=False)",
        (f"{_RELATIONS}::test_one_delivery_adds_and_removes", _ENDS),
    ),
    Mutant(
        "repositories_beside_the_installation_are_ignored",
        "Every real change once: the repositories that an installation is created with never appear.",
        "providers/github/resources.py",
        "    for other in rule.beside:\n",
        "    for other in ():\n",
        (f"{_RELATIONS}::test_installation_keeps_its_document",),
    ),
)
