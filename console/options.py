"""The options that several commands share, and the search for the configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.paths import CONFIGURATION, demo_path
from console.errors import Misused

if TYPE_CHECKING:
    from config.model import Configuration

DATA_DIR = Path(".penstock")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="PENSTOCK_CONFIG",
        help="The configuration; default ./penstock.toml, else the demo that `penstock up` made in --data-dir.",
        show_default=False,
    ),
]
DataDirOption = Annotated[
    Path,
    typer.Option("--data-dir", envvar="PENSTOCK_DATA_DIR", help="Where `penstock up` and workers keep their state."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print records as JSON, one a line, for other programs.")]

OnlineOption = Annotated[bool, typer.Option("--online", help="Also ask Kafka and the schema registry.")]


def operations_host_option(process: str, pages: str, table: str) -> Any:
    """Return the option for the host of a process's operations port; `pages` are what it serves, `table` configures it."""
    return typer.Option(
        envvar=f"PENSTOCK_{process}_OPERATIONS_HOST",
        help=f"Where {pages} are served; default [{table}] operations_host, 127.0.0.1.",
        show_default=False,
    )


def operations_port_option(process: str, table: str, default: int) -> Any:
    """Return the option for that port."""
    return typer.Option(
        min=0,
        max=65535,
        envvar=f"PENSTOCK_{process}_OPERATIONS_PORT",
        help=f"Their port, 0 for any free; default [{table}] operations_port, {default}.",
        show_default=False,
    )


def configuration_path(config: Path | None, data_dir: Path) -> Path:
    """Return the path of the configuration to use; raise `Misused` if there is none."""
    path = found_configuration(config, data_dir)
    if path is None:
        made = demo_path(data_dir)
        raise Misused(
            f"no configuration: pass --config, write ./{CONFIGURATION}, or start `penstock up`, which makes {made}"
        )
    return path


def found_configuration(config: Path | None, data_dir: Path) -> Path | None:
    """Return the path of the configuration to use: as given, in this folder, or the demo's; None if there is none."""
    if config is not None:
        return config
    return next((path for path in (CONFIGURATION, demo_path(data_dir)) if path.is_file()), None)


def load_configuration(config: Path | None, data_dir: Path) -> "Configuration":
    """Return the configuration, with environment overrides and the addresses of a running `penstock up` applied."""
    from config.loading import load
    from console.running import surroundings

    path = configuration_path(config, data_dir)
    return load(path, surroundings(data_dir, path))
