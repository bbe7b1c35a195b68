"""`penstock up`: run all of Penstock on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.paths import CONFIGURATION
from console.options import DATA_DIR, DataDirOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.stack import Ready
    from sinks.warehouse.settings import WarehouseSettings

REFUSED = 2  # another `penstock up` may be running there


def up(
    data_dir: DataDirOption = DATA_DIR,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where deliveries are posted; 0 for any free.")] = 8080,
    kafka_port: Annotated[int, typer.Option(min=0, max=65535, help="Kafka's; 0 for any free.")] = 9092,
    registry_port: Annotated[int, typer.Option(min=0, max=65535, help="The registry's; 0 for any free.")] = 8081,
    operations_port: Annotated[
        int, typer.Option(min=0, max=65535, help="/metrics, /healthz and /readyz of the ingress; 0 for any free.")
    ] = 9464,
    worker_operations_port: Annotated[
        int, typer.Option(min=0, max=65535, help="/healthz and /readyz of the worker; 0 for any free.")
    ] = 9465,
    loader_operations_port: Annotated[
        int, typer.Option(min=0, max=65535, help="/metrics, /healthz and /readyz of the loader; 0 for any free.")
    ] = 9466,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="PENSTOCK_CONFIG",
            help="Sources and routes; default ./penstock.toml if there is one, else a demo made in --data-dir.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Use the demo, and post sample deliveries of every provider to it.")
    ] = False,
) -> None:
    """Start a real Kafka, a schema registry, the ingress, a worker and the warehouse's loader here; Ctrl-C stops them all.

    Their state is in --data-dir and survives a restart. All of them listen on 127.0.0.1 only. Without the packages of
    `penstock[warehouse]` there is no loader. The demo has a BigCommerce store of its own, at its `api_url`.
    """
    from console.running import remove
    from local.stack import INGRESS, LOADER, STORE, WORKER, Options
    from local.stack import up as run
    from simulator.demo_configuration import demo_configuration

    # `sample` is the stack's parameter for "call after_ready", which is always needed: it writes the addresses.
    found = _configuration(config, sample)
    warehouse = _warehouse(found, data_dir)
    options = Options(
        data_dir,
        port,
        kafka_port,
        registry_port,
        operations_port,
        found,
        sample=True,
        worker_operations_port=worker_operations_port,
        loader_operations_port=None if warehouse is None else loader_operations_port,
    )
    children = (INGRESS, WORKER, STORE) if warehouse is None else (INGRESS, WORKER, LOADER, STORE)
    code = run(options, demo_configuration, _after_ready(sample, warehouse), children)
    if code != REFUSED:
        remove(data_dir)
    raise typer.Exit(code)


def _after_ready(is_sample: bool, warehouse: "WarehouseSettings | None") -> "Callable[[Ready], None]":
    from console.running import Running, leave
    from console.sample import send_sample
    from console.screen import notice

    def after_ready(ready: "Ready") -> None:
        addresses = (ready.ingress_url, ready.bootstrap_servers, ready.registry_url)
        leave(ready.data_dir, Running(str(ready.config), *addresses, ready.store_url))
        loaded = warehouse if ready.loader_operations_port is not None else None
        if loaded is not None:
            notice(f"the warehouse ({loaded.engine}) is in {loaded.folder}; see: penstock warehouse status")
        if is_sample:
            send_sample(ready, loaded)
        notice("Ctrl-C stops everything")

    return after_ready


def _warehouse(config: Path | None, data_dir: Path) -> "WarehouseSettings | None":
    """Return the warehouse to load into; None, after saying why, if this installation cannot."""
    import os

    from config.loading import load
    from config.model import Configuration
    from config.paths import demo_path
    from console.screen import notice
    from sinks.warehouse.requirements import missing
    from sinks.warehouse.settings import warehouse_settings

    path = config or demo_path(data_dir)
    settings = warehouse_settings(load(path, os.environ) if path.is_file() else Configuration(), data_dir)
    lacking = missing(settings)
    if lacking is None:
        return settings
    notice(f"no warehouse: {lacking}")
    return None


def _configuration(config: Path | None, is_sample: bool) -> Path | None:
    """Return the chosen configuration, after reporting every problem before anything starts; None for the demo."""
    import os
    from datetime import UTC, datetime

    from config.loading import load
    from console.check.configuration import offline_findings
    from console.errors import Misused

    if is_sample and config is not None:
        raise typer.BadParameter("--sample posts to the demo's sources; leave --config out")
    path = config or (CONFIGURATION if CONFIGURATION.is_file() and not is_sample else None)
    if path is None:
        return None
    findings = offline_findings(load(path, os.environ), path, os.environ, datetime.now(UTC).date())
    problems = [finding.text for finding in findings if finding.level == "problem"]
    if problems:
        raise Misused("\n".join(problems))
    return path
