"""`penstock warehouse`: what the warehouse holds, and its upkeep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from sinks.warehouse.settings import WarehouseSettings

warehouse = typer.Typer(no_args_is_help=True, help="What the warehouse holds, and its upkeep.")


@warehouse.command()
def status(config: ConfigOption = None, data_dir: DataDirOption = DATA_DIR, as_json: JsonOption = False) -> None:
    """Show every table: rows, deleted ones among them, and when its newest change was emitted and written."""
    import msgspec

    from console.screen import results
    from console.warehouse_extra import needed
    from local.screen import output_json

    with needed():
        from sinks.warehouse.query import statuses

        found = statuses(_settings(config, data_dir))
    if as_json:
        for one in found:
            output_json(msgspec.json.encode(one).decode())
        return
    rows = [
        (f"{one.schema}.{one.table}", one.newest or "", one.synced or "", f"{one.deleted:,}", f"{one.rows:,}")
        for one in found
    ]
    results().table(("table", "newest change", "written", "deleted", "rows"), rows)


@warehouse.command()
def compact(
    keep_s: Annotated[
        float, typer.Option(min=0, help="Keep what queries begun in so many last seconds may still read.")
    ] = 600,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Merge small files and remove those that no table needs; in PostgreSQL, vacuum and analyse the tables.

    The loader, or PostgreSQL, does it without this command. Run it only while the loader is stopped.
    """
    from contextlib import closing

    from console.screen import results
    from console.warehouse_extra import needed

    with needed():
        from sinks.warehouse.opening import writer

        with closing(writer(_settings(config, data_dir))) as opened:
            done = opened.compact(keep_s)
    results().line(f"{done.files_before:,} {done.unit} became {done.files_after:,}")


@warehouse.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Copy the warehouse into a folder that `[warehouse] path` can name. Run it while the loader is stopped."""
    from contextlib import closing

    from console.errors import Misused
    from console.screen import results
    from console.warehouse_extra import needed

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Misused(f"{target}: expected a new or empty folder")
    with needed():
        from sinks.warehouse.opening import writer

        with closing(writer(_settings(config, data_dir))) as opened:
            opened.backup(target)
    results().line(f"the warehouse is copied to {target}")


@warehouse.command()
def rebuild(config: ConfigOption = None, data_dir: DataDirOption = DATA_DIR) -> None:
    """Build the warehouse anew from `state.*` and the change topics, while the loader is stopped.

    The old warehouse is read until the new one is complete, and removed then. One in a database is emptied and filled
    again. Interrupted, run it again: it goes on.
    """
    import os

    from console.options import load_configuration
    from console.screen import progress, results
    from console.warehouse_extra import needed
    from sinks.warehouse.settings import loader_settings

    configuration = load_configuration(config, data_dir)
    settings = loader_settings(configuration, os.environ, data_dir)
    with needed():
        from sinks.warehouse import rebuild as building
        from sinks.warehouse.states import uses

        with progress("records loaded", building.total(settings)) as advance:
            read = building.rebuild(settings, uses(configuration), advance)
    results().line(f"the warehouse is rebuilt from {read:,} records")


def _settings(config: Path | None, data_dir: Path) -> "WarehouseSettings":
    from console.options import load_configuration
    from sinks.warehouse.settings import warehouse_settings

    return warehouse_settings(load_configuration(config, data_dir), data_dir)
