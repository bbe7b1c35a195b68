"""An object store for DuckLake's files: its address, and the key for it. DuckDB is its client."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from config.model import ObjectStore
from config.problems import ConfigurationError, Problem
from config.secrets import credential


class Storage:
    """A bucket or a part of it, as `s3://bucket/prefix`. The key's references are resolved for each connection."""

    def __init__(self, url: str, store: ObjectStore, environ: Mapping[str, str]) -> None:
        self.url = url.rstrip("/") + "/"
        self._store = store
        self._environ = environ

    def options(self) -> dict[str, str]:
        """Return the options of DuckDB's secret; raise `ConfigurationError` for a key that cannot be read."""
        endpoint = urlsplit(self._store.endpoint)
        return {
            "SCOPE": self.url,
            "KEY_ID": self._resolved("access_key"),
            "SECRET": self._resolved("secret_key"),
            "REGION": self._store.region,
            "ENDPOINT": endpoint.netloc,
            "USE_SSL": "true" if endpoint.scheme == "https" else "false",
            "URL_STYLE": self._store.url_style,
        }

    def _resolved(self, key: str) -> str:
        try:
            return credential(getattr(self._store, key), self._environ)
        except ConfigurationError as error:
            raise ConfigurationError([Problem("", f"warehouse.s3.{key}", str(error))]) from error
