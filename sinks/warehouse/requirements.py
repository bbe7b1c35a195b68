"""What this installation lacks for its warehouse, found without opening anything."""

from collections.abc import Iterator
from importlib.util import find_spec

from sinks.warehouse.settings import WarehouseSettings


def missing(settings: WarehouseSettings) -> str | None:
    """Return what is missing to load into this warehouse, and the remedy; None if nothing is known to be."""
    for package, extra in _packages(settings):
        if find_spec(package) is None:
            return f'the package {package} is not installed: pip install "penstock[{extra}]"'
    if settings.engine != "ducklake" or settings.may_download:
        return None
    from sinks.warehouse.engines.extensions import INSTALL_HINT, wheel_file
    from sinks.warehouse.opening import lake

    for name in lake(settings).extensions:
        if wheel_file(name) is None:
            return f"DuckDB's extension {name} is not installed for this platform: {INSTALL_HINT}"
    return None


def _packages(settings: WarehouseSettings) -> Iterator[tuple[str, str]]:
    """Yield each package that the engine needs, with the extra that installs it."""
    yield from (("duckdb", "warehouse"), ("pyarrow", "warehouse"), ("prometheus_client", "warehouse"))
    if settings.database is not None:
        yield "psycopg", "postgres"
    if settings.engine == "dlt":
        yield "dlt", "dlt"
