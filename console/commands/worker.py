"""`penstock worker`: run the pipeline as one process."""

from typing import Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, operations_host_option, operations_port_option


def worker(
    worker_id: Annotated[
        str | None,
        typer.Option(
            envvar="PENSTOCK_WORKER_ID",
            help="This worker's slot, stable over restarts, one process each; default the host's name and 0.",
            show_default=False,
        ),
    ] = None,
    operations_host: Annotated[str | None, operations_host_option("WORKER", "/healthz and /readyz", "worker")] = None,
    operations_port: Annotated[int | None, operations_port_option("WORKER", "worker", 9465)] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Turn deliveries into changes until told to stop.

    SIGTERM and SIGINT end it with 0: at once until it has joined its group, else when its batch is committed. Further exit
    codes: 3 the worker cannot continue, or its operations port is taken; the log says why, and a supervisor restarts it.
    """
    from console.options import configuration_path, load_configuration

    load_configuration(config, data_dir)  # reports every problem here, before Faust takes over the process
    from streams.app import run_worker

    run_worker(configuration_path(config, data_dir), worker_id, data_dir, operations_host, operations_port)
