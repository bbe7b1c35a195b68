"""`penstock spool`: the deliveries on this machine's disk that wait for Kafka; `penstock spool drain` publishes them."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.queries.spools import SpoolDepth
    from ingress.delivery.spool_drain import Drained
    from ingress.settings import Settings

IN_USE = 2

spool = typer.Typer(invoke_without_command=True)


@spool.callback()
def show(context: typer.Context, data_dir: DataDirOption = DATA_DIR, as_json: JsonOption = False) -> None:
    """Show how many deliveries wait in the spool for Kafka, since when, and from which sources. Only reads."""
    if context.invoked_subcommand is not None:
        return
    import time

    from console.queries.spools import spool_depths
    from local.screen import output

    now = time.time()
    found = spool_depths(data_dir / "spool")
    for depth in found:
        _print_json(depth, now) if as_json else _print(depth, now)
    if not found and not as_json:
        output(f"no spool in {data_dir}: no ingress with a spool has run with this --data-dir")


@spool.command()
def drain(
    context: typer.Context,
    data_dir: DataDirOption = DATA_DIR,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the deliveries that removed ingresses have left in their spools, in order; a second run has nothing to do.

    Exit codes: 0 nothing is left; 1 something is, and the line says why; 2 an ingress uses a spool and publishes it by itself,
    or Kafka is away and nothing was done.
    """
    from console.queries.spools import spool_depths
    from local.screen import output

    data_dir = _meant(context, data_dir)
    found = [data_dir / "spool" / depth.file for depth in spool_depths(data_dir / "spool")]
    results = _all_drained(found, config, data_dir) if found else []
    for result in results:
        _tell_json(result) if as_json else _tell(result)
    if not found and not as_json:
        output(f"no spool in {data_dir}: nothing to publish")
    raise typer.Exit(max((_code(result) for result in results), default=0))


def _meant(context: typer.Context, data_dir: Path) -> Path:
    """Return the data directory, also when it was given before `drain`, as an option of `spool`.

    A value typed on either side takes precedence over the environment and the default, which both sides have.
    """
    source = context.get_parameter_source("data_dir")
    is_typed = source is not None and source.name == "COMMANDLINE"
    return data_dir if is_typed or context.parent is None else Path(context.parent.params["data_dir"])


def _all_drained(found: list[Path], config: Path | None, data_dir: Path) -> "list[Drained | str]":
    from config.private_files import create_privately
    from ingress.delivery.publisher import ensure_raw_topic

    settings = _settings(config, data_dir)
    create_privately()
    ensure_raw_topic(settings)  # raises when Kafka does not answer
    return [_drained(path, settings) for path in found]


def _settings(config: Path | None, data_dir: Path) -> "Settings":
    from config.loading import load
    from console.options import configuration_path
    from console.running import surroundings
    from ingress.settings import ingress_settings

    path = configuration_path(config, data_dir)
    environ = surroundings(data_dir, path)
    return ingress_settings(load(path, environ), environ)


def _drained(path: Path, settings: "Settings") -> "Drained | str":
    """Return the result for a spool, or its name when an ingress uses it."""
    from console.errors import Failed
    from ingress.delivery.publisher import ProducerError
    from ingress.delivery.spool_drain import drain
    from ingress.delivery.spool_file import SpoolHeld, SpoolUnusable

    try:
        return drain(path, settings)
    except SpoolHeld:
        return path.name
    except (SpoolUnusable, ProducerError) as error:
        raise Failed(str(error)) from error


def _code(result: "Drained | str") -> int:
    if isinstance(result, str):
        return IN_USE
    return 1 if result.left or result.refused else 0


def _tell(result: "Drained | str") -> None:
    from console.screen import results

    screen = results()
    if isinstance(result, str):
        screen.line(f"{result}: in use by an ingress, which publishes it by itself; stop that one first", style="red")
        return
    left = f"{result.left:,} left: {result.reason}" if result.left else "nothing left"
    screen.line(f"{result.file}: {result.published:,} deliveries published, {left}", style="red" if result.left else "")
    _tell_refused(result.refused)


def _tell_refused(refused: int) -> None:
    from console.screen import results

    if refused:
        results().line(f"  refused by Kafka for good: {refused:,}", style="red")


def _tell_json(result: "Drained | str") -> None:
    import json

    from msgspec.structs import asdict

    from local.screen import output_json

    told = {"file": result, "in_use": True} if isinstance(result, str) else {**asdict(result), "in_use": False}
    output_json(json.dumps(told))


def _age_s(depth: "SpoolDepth", now: float) -> float:
    return 0.0 if depth.oldest_at is None else max(0.0, now - depth.oldest_at)


def _print(depth: "SpoolDepth", now: float) -> None:
    from console.screen import results

    screen = results()
    age = f", the oldest for {_age_s(depth, now):,.0f} s" if depth.deliveries else ""
    screen.line(f"{depth.file}: {depth.deliveries:,} deliveries, {depth.bytes:,} bytes{age}")
    for source, deliveries in sorted(depth.sources.items()):
        screen.line(f"  {source}: {deliveries:,}")
    _tell_refused(depth.refused)


def _print_json(depth: "SpoolDepth", now: float) -> None:
    import json
    from dataclasses import asdict

    from local.screen import output_json

    output_json(json.dumps({**asdict(depth), "oldest_age_s": round(_age_s(depth, now), 1)}))
