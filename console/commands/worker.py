"""`penstock worker`: the pipeline, as a process of its own."""

from typing import Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption


def worker(
    worker_id: Annotated[
        str | None,
        typer.Option(
            envvar="PENSTOCK_WORKER_ID",
            help="This worker's slot, stable over restarts, one process each; default the host's name and 0.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Turn deliveries into changes until told to stop."""
    from console.options import configuration_path, load_configuration

    load_configuration(config, data_dir)  # every problem is said here, before Faust takes over the process
    from streams.app import run_worker

    run_worker(configuration_path(config, data_dir), worker_id, data_dir)
