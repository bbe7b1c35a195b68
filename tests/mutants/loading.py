"""Mutants of the loader: rows that are lost, doubled or older than what was there."""

from typing import Final

from tests.mutants.mutant import Mutant

ROWS = "tests/unit/sinks/warehouse/test_rows.py"
ENGINES = "tests/unit/sinks/warehouse/test_engines.py"
STATES = "tests/unit/sinks/warehouse/test_states.py"

LOADING: Final = (
    Mutant(
        "misfit_leaves_no_trace",
        "No value is lost on the way to the warehouse: one that does not fit its column is null and nowhere else.",
        "sinks/warehouse/rows/row.py",
        "            if cell is None:\n                rest[name] = value\n",
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
        "state_replaces_its_change",
        "A rebuilt warehouse has all that is known: a state that is read late replaces the row of the change that led to it.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "OR (n._raw_partition IS NULL AND o._raw_partition IS NOT NULL AND n._emitted_at <= o._emitted_at)",
        "",
        (f"{STATES}::test_change_of_a_state_is_there_once",),
    ),
    Mutant(
        "older_change_replaces_a_state",
        "A rebuilt warehouse has the newest states: a change from before retention's gap replaces the state behind it.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "OR (o._raw_partition IS NULL AND n._emitted_at < o._emitted_at) ",
        "",
        (f"{STATES}::test_later_one_wins",),
    ),
    Mutant(
        "state_shows_what_a_route_keeps_back",
        "Projections hold: a rebuild takes whole documents from state.* where a route includes some fields only.",
        "sinks/warehouse/states.py",
        "    return has_all_operations and not (route.filter or route.include_fields or route.event_type)\n",
        "    return has_all_operations and not (route.filter or route.event_type)\n",
        (f"{STATES}::test_states_fill_gaps_only_where_a_route_takes_everything",),
    ),
    Mutant(
        "rebuild_reads_changes_alone",
        "A rebuilt warehouse has every resource of state.*: those whose changes retention has removed are missing.",
        "sinks/warehouse/rebuild.py",
        "        read = _load(settings, warehouse, is_state_topic, states, advance)\n        read += _load",
        "        read = _load",
        ("tests/kafka/test_load_rebuild.py::test_rebuild_has_what_retention_took[duckdb]",),
    ),
    Mutant(
        "rebuild_begins_again",
        "A rebuild goes on after a kill: it loads everything once more on top of what it has.",
        "sinks/warehouse/loader.py",
        "        self._stored = self._retried(self._offsets)\n        read = 0\n",
        "        self._stored = {}\n        read = 0\n",
        ("tests/kafka/test_load_rebuild.py::test_rebuild_has_what_retention_took[duckdb]",),
    ),
    Mutant(
        "loader_may_not_use_its_group",
        "The rights that are printed are enough: the loader may not commit the offsets that show its lag.",
        "console/check/acls.py",
        '"group", f"{names.group}.warehouse", "Read"',
        '"group", f"{names.group}.loader", "Read"',
        ("tests/unit/console/check/test_acls.py::test_rights_of_the_loader",),
    ),
    Mutant(
        "two_loaders_in_a_cluster",
        "One loader per warehouse: the chart runs two, of which one never starts.",
        "deploy/helm/penstock/templates/loader-statefulset.yaml",
        "  replicas: 1 ",
        "  replicas: 2 ",
        ("tests/unit/deploy/test_kubernetes.py::test_what_is_committed_was_made_from_this_chart",),
    ),
    Mutant(
        "file_in_place_of_the_folder_passes_the_check",
        "`penstock check` says what could not work: a file stands where the warehouse should be.",
        "console/check/warehouse.py",
        "    if not existing.is_dir():\n",
        "    if not existing.exists():\n",
        ("tests/unit/console/check/test_warehouse.py::test_file_where_the_folder_should_be_is_named",),
    ),
    Mutant(
        "views_take_a_sources_schema",
        "No two sources share a schema: the rows of one are where the compatible views of another should be.",
        "sinks/warehouse/rows/names.py",
        '    return f"{name}_source" if _DERIVED_SCHEMA.fullmatch(name) else name\n',
        "    return name\n",
        (
            f"{ROWS}::test_no_two_sources_share_a_schema",
            f"{ENGINES}::test_source_named_like_the_views_of_another",
        ),
    ),
    Mutant(
        "column_table_of_the_first_start_stays",
        "New columns appear: a restarted loader takes a table for complete because it is there.",
        "sinks/warehouse/engines/duckdb_writer.py",
        "if column.name.lower() not in known]",
        "if not known]",
        (f"{ENGINES}::test_column_table_that_grew_between_two_starts",),
    ),
)
