"""The transaction of a batch in PostgreSQL: COPY into a temporary table, and from there by ON CONFLICT."""

from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from sinks.warehouse.arrow import (
    BAD_COLUMNS,
    OFFSET_COLUMNS,
    OUTCOME_COLUMNS,
    bad_rows,
    offset_rows,
    outcome_rows,
)
from sinks.warehouse.engines.engine import REBUILD, expected_offsets
from sinks.warehouse.engines.postgres.connection import translated
from sinks.warehouse.engines.postgres.relations import (
    PUBLIC,
    TYPES,
    definitions,
    relation,
    sql,
    views,
    views_of_analysts,
)
from sinks.warehouse.engines.postgres.views import listed_columns, make_view
from sinks.warehouse.engines.statements import BAD_RECORDS, IS_LATE, OFFSETS, OUTCOMES, listed, quoted
from sinks.warehouse.errors import Fenced, Unusable
from sinks.warehouse.rows.batch import Batch, Offsets, Partition, TableRows
from sinks.warehouse.rows.names import HISTORY
from sinks.warehouse.rows.shape import Row, SqlColumn, TableName

OWN_TABLES: Final[dict[str, tuple[Sequence[SqlColumn], tuple[str, ...]]]] = {
    OFFSETS: (OFFSET_COLUMNS, ("topic", "partition")),
    OUTCOMES: (OUTCOME_COLUMNS, ()),
    BAD_RECORDS: (BAD_COLUMNS, ()),
}
WINS: Final = "_wins"


class Writer:
    """Writes batches over one connection, which holds the lock of the warehouse."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._columns: dict[TableName, dict[str, str]] = {}
        self._staged: dict[TableName, str] = {}
        with translated(), connection.transaction():
            for table, (columns, key) in OWN_TABLES.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {own(table)} ({definitions(columns, key)})")
                found = connection.execute(f"SELECT * FROM {own(table)} LIMIT 0").description or ()  # noqa: S608 - a constant
                existing = {column.name for column in found}
                for column in (column for column in columns if column.name not in existing):  # of an earlier version
                    connection.execute(f"ALTER TABLE {own(table)} ADD COLUMN {definitions([column])}")

    def offsets(self) -> dict[Partition, int]:
        """Return the stored offset of each partition."""
        with translated():
            rows = self._connection.execute(f"SELECT topic, partition, next_offset FROM {own(OFFSETS)}").fetchall()  # noqa: S608 - a constant
        return {(topic, partition): offset for topic, partition, offset in rows}

    def apply(self, batch: Batch) -> None:
        """Write a batch in one transaction."""
        with translated():
            written = [table for table in batch.tables if table.rows]
            for table in written:
                self._ensure(table)
            with self._connection.transaction():
                # The lock of the session is not enough behind a pooler: this one makes two writers take turns, and the
                # second finds offsets that it did not expect.
                self._connection.execute(f"LOCK TABLE {own(OFFSETS)} IN EXCLUSIVE MODE")
                if not expected_offsets(self.offsets(), batch):
                    raise Fenced("the stored offsets have moved since this loader read them: end the other loader")
                for table in written:
                    self._load(table)
                for table in batch.tables:
                    self._mark_gone(table)
                self._copy(own(OUTCOMES), OUTCOME_COLUMNS, outcome_rows(batch.outcomes, batch.synced_at))
                self._copy(own(BAD_RECORDS), BAD_COLUMNS, bad_rows(batch.bad, batch.synced_at))
                self._store_offsets(batch.ends)

    def empty(self) -> None:
        """Remove all rows and offsets in one transaction, and note that a rebuild has begun; tables and rights stay."""
        with translated(), self._connection.transaction():
            names = [*map(own, OWN_TABLES), *map(sql, tables(self._connection, also_histories=True))]
            self._connection.execute(f"TRUNCATE {', '.join(names)}")
            self._store_offsets({REBUILD: 0})

    def filled(self) -> None:
        """Take the note of a rebuild away."""
        with translated():
            self._connection.execute(f"DELETE FROM {own(OFFSETS)} WHERE topic = %s", [REBUILD[0]])  # noqa: S608 - a constant

    def vacuum(self) -> tuple[int, int]:
        """Vacuum and analyse every table; return the pages that they had before and have after it."""
        with translated():
            names = [*map(own, OWN_TABLES), *map(sql, tables(self._connection, also_histories=True))]
            before = self._pages(names)
            for name in names:
                self._connection.execute(f"VACUUM (ANALYZE) {name}")
            return before, self._pages(names)

    def _pages(self, names: Sequence[str]) -> int:
        row = self._connection.execute(
            "SELECT sum(pg_relation_size(name::regclass) / current_setting('block_size')::bigint)::bigint "
            "FROM unnest(%s::text[]) AS name",
            (list(names),),
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _load(self, table: TableRows) -> None:
        """Add every change to the history, unless a copy of it is there, and write winners over the rows that are older.

        States have no history.
        """
        stage = f"pg_temp.{self._staged[table.name]}"
        wins = set(table.winners)
        rows = ([*row, index in wins] for index, row in enumerate(table.rows))
        self._copy(stage, (*table.all_columns, SqlColumn(WINS, "boolean")), rows)
        if not table.is_of_states:
            history, all_columns = (
                sql(relation(table.name, HISTORY)),
                listed(column.name for column in table.all_columns),
            )
            self._connection.execute(
                f"INSERT INTO {history} ({all_columns}) SELECT {all_columns} FROM {stage} ON CONFLICT (_event_id) DO NOTHING"  # noqa: S608 - identifiers are quoted
            )
        columns = listed(column.name for column in table.columns)
        # A column that this batch has no value for is set too, to null: the row is that of the newest document.
        changed = ", ".join(f"{name} = excluded.{name}" for name in map(quoted, self._columns[table.name].values()))
        late = IS_LATE.replace("n.", "excluded.")
        self._connection.execute(
            f"INSERT INTO {sql(relation(table.name))} AS o ({columns}) SELECT {columns} FROM {stage} WHERE {WINS} "  # noqa: S608 - identifiers are quoted
            f"ON CONFLICT (_key) DO UPDATE SET {changed} WHERE NOT ({late})"
        )

    def _mark_gone(self, table: TableRows) -> None:
        """Mark rows of states as deleted, where the state is gone and its last change is not on any topic any more."""
        if not table.gone or not self._known_columns(table.name):
            return
        self._connection.execute(
            f"UPDATE {sql(relation(table.name))} SET _penstock_deleted = true "  # noqa: S608 - identifiers are quoted
            "WHERE _raw_partition IS NULL AND _key = ANY(%s)",
            (list(table.gone),),
        )

    def _copy(self, target: str, columns: Sequence[SqlColumn], rows: Iterable[Row]) -> None:
        names = listed(column.name for column in columns)
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def _store_offsets(self, offsets: Offsets) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {own(OFFSETS)} VALUES (%s, %s, %s) "  # noqa: S608 - a constant
                "ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
                offset_rows(offsets),
            )

    def _ensure(self, table: TableRows) -> None:
        """Make a table with its history and views, or add the columns that it lacks. Committed apart: it is empty until used.

        Views are checked with the first rows of a session too: an upgrade may have changed them, or a crash kept them away.
        """
        known = self._known_columns(table.name)
        missing = [column for column in table.columns if column.name.lower() not in known]
        if missing:
            with self._connection.transaction():
                self._add_columns(table, missing) if known else self._create(table)
            self._columns[table.name] = {**known, **{column.name.lower(): column.name for column in missing}}
        if missing or table.name not in self._staged:
            self._make_views(table.name)
            self._make_stage(table.name)

    def _known_columns(self, name: TableName) -> dict[str, str]:
        if name not in self._columns:
            self._columns[name] = self._columns_of(name)
        return self._columns[name]

    def _columns_of(self, name: TableName) -> dict[str, str]:
        known = {column.lower(): column for column in listed_columns(self._connection, relation(name))}
        if known and "_key" not in known:
            raise Unusable(
                f"{sql(relation(name))} is not a table of Penstock: give the warehouse a database of its own, or rename the table"
            )
        return known

    def _create(self, table: TableRows) -> None:
        current, history = relation(table.name), relation(table.name, HISTORY)
        self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(current.schema)}")
        self._connection.execute(f"CREATE TABLE {sql(current)} ({definitions(table.columns, ('_key',))})")
        self._connection.execute(f"CREATE TABLE {sql(history)} ({definitions(table.all_columns, ('_event_id',))})")

    def _add_columns(self, table: TableRows, columns: Sequence[SqlColumn]) -> None:
        for suffix in ("", HISTORY):
            added = ", ".join(f"ADD COLUMN {quoted(column.name)} {TYPES[column.type]}" for column in columns)
            self._connection.execute(f"ALTER TABLE {sql(relation(table.name, suffix))} {added}")

    def _make_views(self, name: TableName) -> None:
        """Make the views of a table, and those that read it, where their queries have changed."""
        known = self._schema_columns(relation(name).schema)
        for view in (*views(name, list(self._columns[name].values())), *views_of_analysts(name, known)):
            make_view(self._connection, view)

    def _make_stage(self, name: TableName) -> None:
        """Make the temporary table that this session copies rows of a table into; each commit empties it."""
        stage = self._staged.get(name, f"_stage_{len(self._staged)}")
        history = sql(relation(name, HISTORY))
        with self._connection.transaction():
            self._connection.execute(f"DROP TABLE IF EXISTS pg_temp.{stage}")
            self._connection.execute(
                f"CREATE TEMPORARY TABLE {stage} (LIKE {history}, {WINS} boolean) ON COMMIT DELETE ROWS"
            )
        self._staged[name] = stage

    def _schema_columns(self, schema: str) -> dict[str, dict[str, str]]:
        """Return the columns of each table of a schema, by their names in lower case."""
        rows = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables "
            "USING (table_catalog, table_schema, table_name) WHERE table_type = 'BASE TABLE' AND table_schema = %s "
            "ORDER BY table_name, ordinal_position",
            (schema,),
        ).fetchall()
        found: dict[str, dict[str, str]] = {}
        for table, column in rows:
            found.setdefault(table, {})[column.lower()] = column
        return found


def own(table: str) -> str:
    """Return the quoted name of a table that is no source's."""
    return f"{quoted(PUBLIC)}.{quoted(table)}"


def tables(connection: Connection[TupleRow], *, also_histories: bool = False) -> list[TableName]:
    """Return the tables of resources by their names in PostgreSQL, known by Penstock's columns; only histories have `_op`."""
    rows = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_catalog, table_schema, table_name) WHERE table_type = 'BASE TABLE' "
        "GROUP BY table_schema, table_name "
        "HAVING bool_or(column_name = '_key') AND bool_or(column_name = '_penstock_synced_at') "
        "AND (%s OR NOT bool_or(column_name = '_op')) AND table_schema NOT LIKE 'pg!_temp!_%%' ESCAPE '!' ORDER BY 1, 2",
        (also_histories,),
    ).fetchall()
    return [TableName(schema, table) for schema, table in rows]
