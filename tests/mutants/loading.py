"""Mutants of the loader: rows that are lost, doubled or older than what was there."""

from typing import Final

from tests.mutants.mutant import Mutant

ROWS = "tests/unit/sinks/warehouse/test_rows.py"

LOADING: Final = (
    Mutant(
        "misfit_leaves_no_trace",
        "No value is lost on the way to the warehouse: one that does not fit its column is null and nowhere else.",
        "sinks/warehouse/rows/row.py",
        "        if cell is None and value is not None:\n            rest[name] = value\n",
        "",
        (f"{ROWS}::test_row_has_typed_columns_and_the_rest",),
    ),
    Mutant(
        "last_read_change_wins",
        "The current table has the newest state: a change that waited in a lower lane overwrites a later one.",
        "sinks/warehouse/rows/batch.py",
        "        if best is None or not is_overtaken(change, best[0]):\n",
        "        if True:\n",
        (f"{ROWS}::test_late_lane_does_not_win",),
    ),
)
