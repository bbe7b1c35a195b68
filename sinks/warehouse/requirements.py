"""What this installation lacks for its warehouse, found without opening anything."""

from importlib.util import find_spec
from typing import Final

from sinks.warehouse.settings import WarehouseSettings

PACKAGES: Final = ("duckdb", "pyarrow", "prometheus_client")


def missing(settings: WarehouseSettings) -> str | None:
    """Return what is missing to load into this warehouse, and the remedy; None if nothing is known to be."""
    for package in PACKAGES:
        if find_spec(package) is None:
            return f'the package {package} is not installed: pip install "penstock[warehouse]"'
    if settings.engine != "ducklake" or settings.may_download:
        return None
    from sinks.warehouse.engines.extensions import EXTENSIONS, INSTALL_HINT, wheel_file

    for name in EXTENSIONS:
        if wheel_file(name) is None:
            return f"DuckDB's extension {name} is not installed for this platform: {INSTALL_HINT}"
    return None
