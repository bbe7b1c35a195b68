"""Mutants of the loader: rows that are lost, doubled or older than what was there."""

from typing import Final

from tests.mutants.mutant import Mutant

ROWS = "tests/unit/sinks/warehouse/test_rows.py"
ENGINES = "tests/unit/sinks/warehouse/test_engines.py"
QUERY = "tests/unit/console/commands/test_query.py"
FIVETRAN = "tests/unit/sinks/warehouse/views/test_fivetran.py"
VIEWS = "tests/unit/sinks/warehouse/views/test_analytics.py"

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
        "warehouse_ends_everything",
        "What is optional is optional: without a warehouse that opens, `penstock up` takes no delivery.",
        "local/supervisor.py",
        "        if not self.service.is_optional:\n",
        "        if True:\n",
        ("tests/unit/local/test_supervisor.py::test_optional_process_that_never_was_ready_is_left_out",),
    ),
    Mutant(
        "missing_extension_is_found_too_late",
        "A user reads what is missing: without DuckDB's extension `penstock up` starts a loader that ends at once.",
        "sinks/warehouse/requirements.py",
        "        if wheel_file(name) is None:\n",
        "        if False:\n",
        ("tests/unit/console/commands/test_up.py::test_missing_package_is_said_in_one_line[extension]",),
    ),
    Mutant(
        "every_state_is_a_price",
        "Each price is one row: a product that was retitled at the same price has two.",
        "sinks/warehouse/views/sql/product_price_history.sql",
        "        OR price IS DISTINCT FROM earlier_price\n",
        "        OR true\n",
        (f"{VIEWS}::test_product_price_history[duckdb]",),
    ),
    Mutant(
        "year_is_a_month",
        "Recurring revenue is monthly: a subscription that is paid by the year counts twelve times.",
        "sinks/warehouse/views/sql/monthly_recurring_revenue.sql",
        "WHEN 'year' THEN 1 / 12.0",
        "WHEN 'year' THEN 1.0",
        (f"{VIEWS}::test_monthly_recurring_revenue[duckdb]",),
    ),
    Mutant(
        "refund_is_revenue",
        "Revenue is what remains: an order that was refunded counts as it was ordered.",
        "sinks/warehouse/views/sql/orders_per_day.sql",
        "coalesce(sum(coalesce(current_total_price, total_price))",
        "coalesce(sum(total_price)",
        (f"{VIEWS}::test_orders_per_day[duckdb]",),
    ),
    Mutant(
        "table_is_cut_in_a_pipe",
        "Another program reads every value: a table is as wide as the terminal that there is not.",
        "console/screen.py",
        "            width=None if is_seen else UNBOUNDED,\n",
        "            width=None,\n",
        (f"{QUERY}::test_table_in_a_pipe_is_complete",),
    ),
    Mutant(
        "comment_is_a_statement",
        "A user's mistake has no traceback: a file of comments alone is taken for a statement.",
        "sinks/warehouse/query.py",
        "            if executed is None:",
        "            if False:",
        (f"{QUERY}::test_mistake_is_said_plainly[comment]",),
    ),
    Mutant(
        "strange_id_fails_the_view",
        "A strange document fails no query: an id that is no number ends every query of the compatibility view.",
        "sinks/warehouse/views/fivetran.py",
        """CASE WHEN {0} ~ '^-?[0-9]{{1,18}}$' THEN CAST({0} AS BIGINT) END""",
        "CAST({0} AS BIGINT)",
        (f"{FIVETRAN}::test_values_are_those_of_the_document[duckdb]",),
    ),
    Mutant(
        "compatible_table_lacks_its_customer",
        "Models made for Fivetran run: an order has no customer.",
        "sinks/warehouse/views/fivetran.toml",
        'customer_id = "customer.id: bigint"',
        'customer_key = "customer.id: bigint"',
        (f"{FIVETRAN}::test_view_has_every_column[shopify-order]",),
    ),
    Mutant(
        "sample_waits_for_other_orders",
        "`make run` ends with an answer: it waits for orders of another source, which never come to the shop's table.",
        "console/sample_question.py",
        'if outcome["provider"] == "shopify")',
        "if True)",
        ("tests/unit/console/test_sample_question.py::test_orders_of_the_shop_alone_are_waited_for",),
    ),
)
