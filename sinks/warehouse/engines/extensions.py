"""DuckDB's extensions for DuckLake: from installed wheels, else by DuckDB's own installer, else an error says what to do.

The wheels are pinned by hash in requirements.lock, and DuckDB checks the signature of what it loads.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from sinks.warehouse.errors import Unusable

INSTALL_HINT: Final = (
    'install the wheels (`pip install "penstock[warehouse,postgres,s3]"`), '
    "let DuckDB download them once ([warehouse] download = true), "
    'or keep the warehouse in one DuckDB file ([warehouse] engine = "duckdb")'
)


def load_extensions(connection: DuckDBPyConnection, names: Iterable[str], *, may_download: bool) -> None:
    """Load what DuckLake needs; raise `Unusable` if it is neither installed nor to be downloaded."""
    connection.execute("SET autoinstall_known_extensions = false")
    for name in names:
        file = wheel_file(name)
        if file is not None:
            connection.execute(f"LOAD '{str(file).replace(chr(39), chr(39) * 2)}'")
        elif may_download:
            _download(connection, name)
        else:
            raise Unusable(f"DuckDB's extension {name} is not installed; {INSTALL_HINT}")


def wheel_file(name: str) -> Path | None:
    """Return the file of an extension that a wheel has installed, for this version of DuckDB; None if there is none."""
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return file if file.is_file() else None


def _download(connection: DuckDBPyConnection, name: str) -> None:
    try:
        connection.execute(f"INSTALL {name}")
        connection.execute(f"LOAD {name}")
    except duckdb.Error as error:
        raise Unusable(f"DuckDB could not download its extension {name}; {INSTALL_HINT}") from error
