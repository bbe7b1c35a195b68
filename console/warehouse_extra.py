"""Says what to install where the warehouse's packages are missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from console.errors import Misused

EXTRAS: Final = {
    "duckdb": "warehouse",
    "pyarrow": "warehouse",
    "prometheus_client": "warehouse",
    "psycopg": "postgres",
    "dlt": "dlt",
}
"""The extra that installs each package."""


@contextmanager
def needed() -> Iterator[None]:
    """Raise `Misused` instead of an ImportError for a package of an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise Misused(f'the warehouse needs the package {error.name}: pip install "penstock[{extra}]"') from error
