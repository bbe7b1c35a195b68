"""Access to the schema registry: one HTTP client with the certificate authorities and credentials of `[registry]`.

Environment variables and ~/.netrc are ignored: neither may send credentials elsewhere. Redirects are not followed.
"""

import ssl
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import httpx

from config.model import Configuration, Registry
from config.problems import ConfigurationError, Problem
from config.secrets import credential

TIMEOUT_S = 10.0


class RegistryAccess:
    """An address and its credentials. References are resolved for each request, so a renewed token is used."""

    def __init__(self, registry: Registry, environ: Mapping[str, str]) -> None:
        self.url = registry.url
        self._registry = registry
        self._environ = environ

    def client(self, timeout_s: float = TIMEOUT_S) -> httpx.Client:
        """Return a client whose paths start at the registry's address; raise `ConfigurationError` if a file is invalid."""
        return httpx.Client(
            base_url=self.url,
            headers=self._registry.headers,
            auth=None if self.authorization() is None else _Authorization(self.authorization),
            verify=_context(self._registry, self._environ),
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
        )

    def authorization(self) -> str | None:
        """Return the current value of the Authorization header, None without credentials."""
        registry = self._registry
        if registry.bearer_token is not None:
            return f"Bearer {self._resolved('bearer_token', registry.bearer_token)}"
        if registry.username is None or registry.password is None:
            return None
        basic = httpx.BasicAuth(
            self._resolved("username", registry.username), self._resolved("password", registry.password)
        )
        request = next(basic.sync_auth_flow(httpx.Request("GET", self.url)))
        return str(request.headers["Authorization"])

    def _resolved(self, key: str, reference: str) -> str:
        return _resolved(key, reference, self._environ)


def registry_access(configuration: Configuration, environ: Mapping[str, str]) -> RegistryAccess:
    """Return the access to a configuration's registry.

    Raises `ConfigurationError`, with lines, for an unresolvable credential or an unusable TLS file.
    """
    access = RegistryAccess(configuration.registry, environ)
    try:
        access.client().close()
    except ConfigurationError as error:
        raise ConfigurationError(
            [configuration.problem(("registry", problem.key), problem.message) for problem in error.problems]
        ) from error
    return access


class _Authorization(httpx.Auth):
    def __init__(self, value: Callable[[], str | None]) -> None:
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._value() or ""
        yield request


def _resolved(key: str, reference: str, environ: Mapping[str, str]) -> str:
    if not reference.startswith(("env:", "file:", "text:")):
        return reference  # a literal user name
    try:
        return credential(reference, environ)
    except ConfigurationError as error:
        raise ConfigurationError([Problem("", key, str(error))]) from error


def _context(registry: Registry, environ: Mapping[str, str]) -> ssl.SSLContext:
    context = _trusting(registry.tls_ca)
    if registry.tls_certificate is None:
        return context
    password = registry.tls_key_password
    word = "" if password is None else _resolved("tls_key_password", password, environ)
    try:
        # An empty password instead of None: OpenSSL would prompt for it at the terminal.
        context.load_cert_chain(registry.tls_certificate, registry.tls_key, lambda: word)
    except (OSError, ssl.SSLError) as error:
        reason = f"{registry.tls_certificate} with its key cannot be used: {_reason(error)}"
        raise ConfigurationError([Problem("", "tls_certificate", reason)]) from error
    return context


def _trusting(authority: str | None) -> ssl.SSLContext:
    if authority is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        if Path(authority).is_dir():
            return ssl.create_default_context(capath=authority)
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError([Problem("", "tls_ca", f"{authority} cannot be used: {_reason(error)}")]) from error


def _reason(error: OSError) -> str:
    return (error.strerror or "expected PEM").lower() if not isinstance(error, ssl.SSLError) else f"{error.reason}"
