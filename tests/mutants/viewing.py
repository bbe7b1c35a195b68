"""Mutants of how the warehouse's views are made: a view that stops the loader, is not its own, or stays as it was."""

from typing import Final

from tests.mutants.mutant import Mutant

ENGINES = "tests/unit/sinks/warehouse/test_engines.py"
DATABASE_VIEWS = "tests/databases/test_views.py"

VIEWING: Final = (
    Mutant(
        "view_ends_the_loader",
        "The loader never stops for a view: one that others have built on, and whose columns have changed, ends each attempt.",
        "sinks/warehouse/engines/postgres/views.py",
        "        if connection.closed:\n",
        "        if True:\n",
        (f"{DATABASE_VIEWS}::test_changed_view_that_others_build_on_stays",),
    ),
    Mutant(
        "view_of_an_analyst_is_replaced",
        "What is not Penstock's is never changed: an analyst's own view is replaced by the one of that name.",
        "sinks/warehouse/engines/postgres/views.py",
        "    if made is not None and not made.startswith(MARK):\n",
        "    if False:\n",
        (f"{DATABASE_VIEWS}::test_view_of_someone_else_stays",),
    ),
    Mutant(
        "changed_view_waits_for_a_column",
        "An upgrade's views are there: those of a warehouse that exists stay as the former version made them.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "        if not missing and table.name in self._checked:\n",
        "        if not missing:\n",
        (f"{ENGINES}::test_changed_views_are_made_anew_after_a_start",),
    ),
    Mutant(
        "each_start_changes_the_catalogue",
        "A start is quiet: each makes all views anew, with a snapshot of the catalogue for it.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "            if made.get(view) != mark(query):\n",
        "            if True:\n",
        (f"{ENGINES}::test_unchanged_views_are_left_alone_after_a_start",),
    ),
    Mutant(
        "half_a_warehouse_is_loaded",
        "A rebuilt warehouse has every resource: the loader goes on over an interrupted rebuild, and what states had is missing.",
        "sinks/warehouse/loader.py",
        "            if REBUILD in self._stored:\n",
        "            if REBUILD in ():\n",
        ("tests/databases/test_states.py::test_killed_rebuild_goes_on[postgres-discount]",),
    ),
)
