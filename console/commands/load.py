"""`penstock load`: write changes and outcomes into the warehouse."""

from typing import Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, operations_host_option, operations_port_option


def load(
    operations_host: Annotated[
        str | None, operations_host_option("LOADER", "/metrics, /healthz and /readyz", "warehouse")
    ] = None,
    operations_port: Annotated[int | None, operations_port_option("LOADER", "warehouse", 9466)] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Write changes and outcomes into the warehouse until told to stop; one process per warehouse.

    SIGTERM and SIGINT end it with 0, after the transaction that is being written. Further exit codes: 2 the warehouse cannot
    be opened, or another process writes to it; 3 the loader cannot continue; the log says why.
    """
    import os

    from msgspec.structs import replace

    from console.options import load_configuration
    from console.warehouse_extra import needed
    from sinks.warehouse.settings import loader_settings

    settings = loader_settings(load_configuration(config, data_dir), os.environ, data_dir)
    if operations_host is not None:
        settings = replace(settings, operations_host=operations_host)
    if operations_port is not None:
        settings = replace(settings, operations_port=operations_port)
    with needed():
        from sinks.warehouse.service import run_loader

        code = run_loader(settings)
    raise typer.Exit(code)
