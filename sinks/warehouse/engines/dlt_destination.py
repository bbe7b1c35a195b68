"""Any destination of dlt, by strategies that may be repeated: what was killed in the middle is loaded again, and changes nothing.

dlt loads each table by a job of its own, so rows and offsets are not one transaction. Offsets follow in a load of their own: they
are never ahead of rows. Measured with `append` instead: a batch doubled in 22 kills.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# Before dlt is imported: it would send the names of destinations to its makers, and write warnings of its own to the log.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")

import dlt
import pyarrow as pa
from dlt.common.destination import Destination
from dlt.common.exceptions import DltException
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.load.exceptions import LoadClientJobFailed

from sinks.warehouse.arrow import (
    BAD_COLUMNS,
    OFFSET_COLUMNS,
    OUTCOME_COLUMNS,
    arrow_table,
    bad_rows,
    offset_rows,
    outcome_rows,
)
from sinks.warehouse.engines.engine import Compaction, expected_offsets
from sinks.warehouse.engines.lock import claim
from sinks.warehouse.engines.statements import BAD_RECORDS, OFFSETS, OUTCOMES, history_only
from sinks.warehouse.errors import Fenced, Refused, Unavailable, Unusable
from sinks.warehouse.rows.batch import Batch, Partition, TableRows
from sinks.warehouse.rows.names import HISTORY

OWN: Final = "penstock"  # the dataset of the tables that are no source's
FILE: Final = "warehouse.duckdb"
PLACE: Final = ("topic", "partition", "offset")
OUTCOME_KEY: Final = (*PLACE, "delivery_id", "outcome", "decided_at")
PLACES: Final = ("_key", "_raw_partition", "_raw_offset", "_emitted_at")
REPLACE: Final = "delete-insert"
ADD: Final = "insert-only"


class DltDestination:
    """A warehouse in a destination of dlt, locked on the folder where dlt works. A dataset is a source's schema."""

    def __init__(self, folder: Path, destination: str, credentials: str | None) -> None:
        self._work = folder.absolute() / "dlt"
        self._lock = claim(folder.absolute())
        try:
            self._destination = _destination(folder.absolute(), destination, credentials)
            self._strategies = _strategies(self._destination, destination)
        except BaseException:
            self._lock.close()
            raise
        self._pipelines: dict[str, Any] = {}
        self.reopen()

    def offsets(self) -> dict[Partition, int]:
        """Return the stored offset of each partition."""
        with _translated():
            rows = self._read(OWN, OFFSETS, [column.name for column in OFFSET_COLUMNS])
        return {(topic, partition): offset for topic, partition, offset in rows}

    def apply(self, batch: Batch) -> None:
        """Write rows, then offsets. Killed in between, the same rows are written again, which changes nothing."""
        if not expected_offsets(self.offsets(), batch):
            raise Fenced("the stored offsets have moved since this loader read them: end the other loader")
        with _translated():
            for schema in dict.fromkeys(table.name.schema for table in batch.tables):
                tables = [table for table in batch.tables if table.name.schema == schema]
                self._run(schema, [resource for table in tables for resource in self._resources(table)])
            outcomes = arrow_table(OUTCOME_COLUMNS, outcome_rows(batch.outcomes, batch.synced_at))
            bad = arrow_table(BAD_COLUMNS, bad_rows(batch.bad, batch.synced_at))
            added = [(OUTCOMES, outcomes, OUTCOME_KEY), (BAD_RECORDS, bad, PLACE)]
            self._run(OWN, [self._added(name, rows, key) for name, rows, key in added if rows.num_rows])
            offsets = arrow_table(OFFSET_COLUMNS, offset_rows(batch.ends))
            self._run(OWN, [_resource(OFFSETS, offsets, ("topic", "partition"), REPLACE)])

    def reopen(self) -> None:
        """Forget what dlt has begun: the offsets do not know of it, so it is read from the topics again.

        dlt would load packages of a killed process first, and ignore new rows meanwhile.
        """
        self._pipelines = {}
        shutil.rmtree(self._work, ignore_errors=True)

    def compact(self, keep_s: float) -> Compaction:  # noqa: ARG002 - nothing is kept
        """Refuse: what there is to compact is the destination's."""
        raise Unusable("dlt's destination keeps this warehouse: use the destination's own tools for its upkeep")

    def backup(self, target: Path) -> None:  # noqa: ARG002 - nothing is written
        """Refuse: what there is to copy is the destination's."""
        raise Unusable("dlt's destination keeps this warehouse: back it up with the destination's own tools")

    def empty(self) -> None:
        """Refuse: tables are the destination's to drop."""
        raise Unusable(
            f"dlt's destination keeps this warehouse: drop the sources' schemas and the schema {OWN} there, "
            "then start penstock load"
        )

    def filled(self) -> None:
        """Do nothing: nothing is rebuilt."""

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    def _resources(self, table: TableRows) -> Iterator[Any]:
        """Yield every change for the history, and the newest state of each resource for the current table."""
        rows = arrow_table(table.all_columns, table.rows)
        yield self._added(table.name.table + HISTORY, rows, ("_event_id",))
        winners = rows.take(pa.array(table.winners, pa.int64())).drop_columns(history_only())
        newer = winners.filter(pa.array(self._is_newer(table, winners), pa.bool_()))
        if newer.num_rows:
            yield _resource(table.name.table, newer, ("_key",), REPLACE)

    def _is_newer(self, table: TableRows, winners: pa.Table) -> list[bool]:
        """Say of each row whether the stored one of its resource is not a later one (`records.is_overtaken`).

        A later one stands behind the earliest of these rows on `webhooks.raw`. Those are few, but for a batch from a lower lane.
        """
        rows = winners.select(list(PLACES)).to_pylist()
        firsts: dict[int, int] = {}
        for row in rows:
            partition, offset = row["_raw_partition"], row["_raw_offset"]
            firsts[partition] = min(offset, firsts.get(partition, offset))
        stored = {key: place for key, *place in self._read(table.name.schema, table.name.table, PLACES, firsts)}
        return [not _is_overtaken(row, stored.get(row["_key"])) for row in rows]

    def _added(self, name: str, rows: pa.Table, key: Sequence[str]) -> Any:
        return _resource(name, rows, key, ADD if ADD in self._strategies else REPLACE)

    def _run(self, dataset: str, resources: Sequence[Any]) -> None:
        if resources:
            self._pipeline(dataset).run(list(resources))

    def _read(
        self, dataset: str, table: str, columns: Sequence[str], behind: Mapping[int, int] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return columns of a table, of the rows behind an offset of each partition of `webhooks.raw` if these are given."""
        pipeline = self._pipeline(dataset)
        if pipeline.default_schema_name is None or table not in pipeline.default_schema.tables:
            return []
        with pipeline.sql_client() as client:
            names = {column: client.escape_column_name(column) for column in (*columns, *PLACES)}
            listed = ", ".join(names[column] for column in columns)
            statement = f"SELECT {listed} FROM {client.make_qualified_table_name(table)}"  # noqa: S608 - escaped
            if behind is not None:
                partition, offset = names["_raw_partition"], names["_raw_offset"]
                places = [f"({partition} = {number} AND {offset} > {first})" for number, first in behind.items()]
                statement += f" WHERE {' OR '.join(places)}"
            try:
                with client.execute_query(statement) as cursor:
                    found: list[tuple[Any, ...]] = cursor.fetchall()
            except DatabaseUndefinedRelation:  # its schema was stored, and the process killed before the table was made
                return []
        return found

    def _pipeline(self, dataset: str) -> Any:
        if dataset not in self._pipelines:
            pipeline = dlt.pipeline(
                f"penstock_{dataset}",
                pipelines_dir=str(self._work),
                destination=self._destination,
                dataset_name=dataset,
            )
            pipeline.sync_destination()
            self._pipelines[dataset] = pipeline
        return self._pipelines[dataset]


def _resource(name: str, rows: pa.Table, key: Sequence[str], strategy: str) -> Any:
    disposition = {"disposition": "merge", "strategy": strategy}
    return dlt.resource([rows], name=name, write_disposition=disposition, primary_key=list(key))


def _is_overtaken(row: dict[str, Any], stored: Sequence[Any] | None) -> bool:
    if stored is None:
        return False
    partition, offset, emitted = stored
    return bool(row["_raw_partition"] == partition and row["_raw_offset"] < offset and row["_emitted_at"] <= emitted)


def _destination(folder: Path, name: str, credentials: str | None) -> Any:
    """Return dlt's destination. DuckDB's file is in the warehouse's folder unless credentials name another."""
    if name == "duckdb" and credentials is None:
        credentials = str(folder / FILE)
    options = {} if credentials is None else {"credentials": credentials}
    try:
        return Destination.from_reference(name, **options)
    except (DltException, ImportError) as error:
        raise Unusable(f"warehouse.destination: dlt has no destination {name!r} here: {_first_line(error)}") from error


def _strategies(destination: Any, name: str) -> Sequence[str]:
    found = destination.capabilities().supported_merge_strategies or ()
    if REPLACE not in found:
        raise Unusable(
            f"warehouse.destination: expected one that can merge by {REPLACE}, as SQL databases can; {name} cannot, and "
            "only to append would double what a killed loader had written"
        )
    return tuple(found)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what dlt, Arrow and a destination's driver raise as the loader's errors.

    The drivers of 20 destinations have no class in common, but the names that PEP 249 gives to theirs. A job that failed for good
    is of the data, or ends the loader with its bad record. A text may quote a value, so a refusal has none.
    """
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError) as error:
        raise Refused(type(error).__name__) from error
    except Exception as error:
        causes = list(_causes(error))
        refusal = next((cause for cause in causes if _is_refusal(cause)), None)
        if refusal is not None:
            raise Refused(type(refusal).__name__) from error
        if isinstance(error, DltException | OSError) or _has_base(error, "Error"):
            raise Unavailable(f"{type(causes[-1]).__name__}: {_first_line(causes[-1])}") from error
        raise


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, LoadClientJobFailed) or _has_base(error, "DataError", "IntegrityError")


def _has_base(error: BaseException, *names: str) -> bool:
    return any(base.__name__ in names for base in type(error).__mro__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it; dlt keeps the error of a step in an attribute."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = getattr(cause, "exception", None) or cause.__cause__ or cause.__context__


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "")[:300]
