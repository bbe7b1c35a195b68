"""`penstock load`: write changes and outcomes into the warehouse."""

from typing import Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption


def load(
    operations_host: Annotated[
        str | None,
        typer.Option(
            envvar="PENSTOCK_LOADER_OPERATIONS_HOST",
            help="Where /metrics, /healthz and /readyz are served; default [warehouse] operations_host, 127.0.0.1.",
            show_default=False,
        ),
    ] = None,
    operations_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            envvar="PENSTOCK_LOADER_OPERATIONS_PORT",
            help="Their port, 0 for any free; default [warehouse] operations_port, 9466.",
            show_default=False,
        ),
    ] = None,
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
