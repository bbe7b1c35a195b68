"""Mutants of the loader: rows that are lost, doubled or older than what was there."""

from typing import Final

from tests.mutants.mutant import Mutant

ROWS = "tests/unit/sinks/warehouse/test_rows.py"
ENGINES = "tests/unit/sinks/warehouse/test_engines.py"
DLT = "tests/unit/sinks/warehouse/test_dlt.py"
LAKE = "tests/databases/test_lake.py"
POSTGRES = "tests/databases/test_postgres.py"

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
    Mutant(
        "offsets_are_not_compared",
        "Every change is one row: two loaders on one warehouse, or a batch whose commit was in doubt, write it twice.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "            if not expected_offsets(self.offsets(), batch):\n",
        "            if False:\n",
        (f"{ENGINES}::test_batch_that_was_read_twice_is_refused_whole",),
    ),
    Mutant(
        "copy_of_a_change_is_a_row",
        "Every change is one row: a change that routes send to two topics is there twice.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "WHERE _emitted_at BETWEEN ",
        "WHERE false AND _emitted_at BETWEEN ",
        (f"{ENGINES}::test_copy_on_another_topic_is_one_change",),
    ),
    Mutant(
        "row_of_a_lower_lane_replaces",
        "The current table has the newest state: a change from a lower lane replaces the row of a later one.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "n._raw_offset < o._raw_offset",
        "false",
        (f"{ENGINES}::test_change_from_a_lower_lane_does_not_overwrite",),
    ),
    Mutant(
        "row_of_a_lower_lane_replaces_in_postgres",
        "The current table has the newest state: a change from a lower lane replaces the row of a later one.",
        "sinks/warehouse/engines/postgres/writer.py",
        " WHERE NOT ({late})",
        "",
        (f"{POSTGRES}::test_change_from_a_lower_lane_does_not_overwrite",),
    ),
    Mutant(
        "offsets_are_not_compared_in_postgres",
        "Every change is one row: a loader that lost its session writes behind the back of the one that took over.",
        "sinks/warehouse/engines/postgres/writer.py",
        "                if not expected_offsets(self.offsets(), batch):\n",
        "                if False:\n",
        (f"{POSTGRES}::test_writer_that_lost_its_session_is_fenced",),
    ),
    Mutant(
        "column_that_a_batch_lacks_keeps_its_value",
        "A row is its newest document: a column that a batch does not name keeps what it was.",
        "sinks/warehouse/engines/postgres/writer.py",
        "map(quoted, self._columns[table.name].values())",
        "map(quoted, (column.name for column in table.columns))",
        (f"{POSTGRES}::test_row_forgets_what_its_newest_document_lacks",),
    ),
    Mutant(
        "query_may_hold_two_statements",
        "A query changes nothing: its first statement ends the transaction that cannot write, its second one writes.",
        "sinks/warehouse/engines/postgres/reader.py",
        "connection.prepare_threshold = 0",
        "connection.prepare_threshold = None",
        (f"{POSTGRES}::test_query_cannot_write",),
    ),
    Mutant(
        "long_names_are_cut_off",
        "Each table has its place: the views of a source with a long name take the place of its tables.",
        "sinks/warehouse/engines/postgres/relations.py",
        "MAX_BYTES: Final = 63",
        "MAX_BYTES: Final = 630",
        (f"{POSTGRES}::test_long_names_stay_apart",),
    ),
    Mutant(
        "lake_is_written_without_its_lock",
        "One process writes: a loader whose lock on the catalogue's database was lost goes on beside another.",
        "sinks/warehouse/engines/ducklake.py",
        "            self._claim.renew()\n",
        "            pass\n",
        (f"{LAKE}::test_lock_that_was_lost_is_taken_again_before_a_batch",),
    ),
    Mutant(
        "dlt_stores_offsets_before_rows",
        "Nothing is lost: a loader that was killed after the offsets and before the rows never reads these again.",
        "sinks/warehouse/engines/dlt_destination.py",
        "        with _translated():\n            for schema in dict",
        "        with _translated():\n            early = arrow_table(OFFSET_COLUMNS, offset_rows(batch.ends))\n"
        '            self._run(OWN, [_resource(OFFSETS, early, ("topic", "partition"), REPLACE)])\n'
        "            for schema in dict",
        (f"{DLT}::test_rows_without_their_offsets_are_written_again",),
    ),
    Mutant(
        "dlt_replaces_by_what_is_older",
        "The current table has the newest state: a change from a lower lane replaces the row of a later one.",
        "sinks/warehouse/engines/dlt_destination.py",
        'row["_raw_offset"] < offset and',
        "False and",
        (f"{DLT}::test_change_from_a_lower_lane_does_not_overwrite",),
    ),
    Mutant(
        "dlt_appends",
        "Every change is one row: what a killed loader had written is written again.",
        "sinks/warehouse/engines/dlt_destination.py",
        'disposition = {"disposition": "merge", "strategy": strategy}',
        'disposition = "append"',
        (f"{DLT}::test_rows_without_their_offsets_are_written_again",),
    ),
    Mutant(
        "dlt_retries_what_is_refused",
        "One bad record stops nothing: a value that the destination refuses is loaded again and again.",
        "sinks/warehouse/engines/dlt_destination.py",
        '_has_base(error, "DataError", "IntegrityError")',
        "False",
        ("tests/databases/test_dlt.py::test_value_that_the_destination_refuses_is_found",),
    ),
)
