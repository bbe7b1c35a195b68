"""`penstock query`: SQL over the warehouse, while the loader writes to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from decimal import Decimal

    import pyarrow as pa

MAX_ROWS = 1_000  # on a terminal; other forms are complete


def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            help='A statement, such as \'select * from "my_shop"."order" limit 10\'; - reads it from stdin.'
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the statement from this file.", show_default=False)
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    as_json: JsonOption = False,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", help="Write the result to this Parquet file.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Run one SQL statement on the warehouse and print its result. Nothing in the warehouse can be changed by it."""
    from console.errors import Misused
    from console.options import load_configuration
    from console.warehouse_extra import needed
    from sinks.warehouse.settings import warehouse_settings

    if sum((as_csv, as_json, parquet is not None)) > 1:
        raise Misused("expected at most one of --csv, --json and --parquet")
    statement = _statement(sql, file)
    settings = warehouse_settings(load_configuration(config, data_dir), data_dir)
    with needed():
        from sinks.warehouse.query import result

        found = result(settings, statement)
    if parquet is not None:
        _write_parquet(found, parquet)
    elif as_csv:
        _print_csv(found)
    elif as_json:
        _print_json(found)
    else:
        _print_table(found)


def _statement(sql: str | None, file: Path | None) -> str:
    import sys

    from console.errors import Misused

    if (sql is None) == (file is None):
        raise Misused("expected either a statement, - to read it from stdin, or --file FILE")
    name = "stdin" if file is None else str(file)
    try:
        read = sys.stdin.buffer.read() if sql == "-" else b"" if file is None else file.read_bytes()
        statement = read.decode() if sql in {None, "-"} else str(sql)
    except OSError as error:
        raise Misused(f"{name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Misused(f"{name}: expected a statement as UTF-8 text") from error
    if not statement.strip():
        raise Misused("expected a statement, got none")
    return statement


def _write_parquet(found: "pa.Table", file: Path) -> None:
    from pyarrow import parquet

    from console.errors import Misused
    from console.screen import notice

    try:
        parquet.write_table(found, file)
    except OSError as error:
        raise Misused(f"--parquet {file}: {error.strerror or error}") from error
    notice(f"{found.num_rows:,} rows in {file}")


def _print_csv(found: "pa.Table") -> None:
    import csv
    import io

    from local.screen import output

    for row in (found.column_names, *shown_rows(found)):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(row)
        output(line.getvalue())


def _print_json(found: "pa.Table") -> None:
    import msgspec

    from local.screen import output_json

    encode = msgspec.json.Encoder(decimal_format="number").encode
    for row in found.to_pylist():
        output_json(encode(row).decode())


def _print_table(found: "pa.Table") -> None:
    from console.screen import notice, results

    numeric = [is_number(field.type) for field in found.schema]
    results().grid(found.column_names, shown_rows(found.slice(0, MAX_ROWS)), numeric)
    if found.num_rows > MAX_ROWS:
        notice(f"and {found.num_rows - MAX_ROWS:,} more rows; --csv, --json and --parquet show all")


def is_number(cells: "pa.DataType") -> bool:
    """Say whether a column of this type is aligned to the right."""
    from pyarrow import types

    return bool(types.is_integer(cells) or types.is_floating(cells) or types.is_decimal(cells))


def shown_rows(found: "pa.Table") -> list[list[str]]:
    """Return the cells of a result as a person reads them."""
    columns = [[_shown(cell) for cell in column.to_pylist()] for column in found.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _shown(cell: object) -> str:
    from datetime import datetime
    from decimal import Decimal

    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return _decimal(cell) if isinstance(cell, Decimal) else str(cell)


def _decimal(number: "Decimal") -> str:
    """Return a number with the decimals that it needs, at least two: 79.00 and 0.125, though its column has nine."""
    whole, _, decimals = f"{number:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}" if decimals else whole
