"""Says what to install where the warehouse's packages are missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from console.errors import Misused


@contextmanager
def needed() -> Iterator[None]:
    """Raise `Misused` instead of an ImportError for a package of `penstock[warehouse]`."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"duckdb", "pyarrow", "prometheus_client"}:
            raise
        raise Misused(f'the warehouse needs the package {error.name}: pip install "penstock[warehouse]"') from error
