"""Which PostgreSQL database to use, and its password. Imports no driver, so that settings can be read without one."""

from collections.abc import Mapping

from config.problems import ConfigurationError, Problem
from config.secrets import credential


class Database:
    """libpq's connection string, and a reference to the password that is resolved for each connection."""

    def __init__(self, dsn: str, password: str | None, environ: Mapping[str, str]) -> None:
        self.dsn = dsn
        self._password = password
        self._environ = environ

    def password(self) -> str | None:
        """Return the password, None if libpq is to find it (`~/.pgpass`); raise `ConfigurationError` if it cannot be read."""
        if self._password is None:
            return None
        try:
            return credential(self._password, self._environ)
        except ConfigurationError as error:
            raise ConfigurationError([Problem("", "warehouse.password", str(error))]) from error
