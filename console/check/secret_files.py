"""Files with secrets that every user of this machine can read or change.

Group rights are not checked: `root:penstock` with 0640 is the usual way to give a secret to a service. Files on a read-only file
system are not checked either: Kubernetes, Docker and systemd mount secrets that way, often with 0444, and that cannot be changed
there.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from config.model import Configuration, Registry, Source, Warehouse, file_of
from config.toml_lines import Location
from ingress.server.tls import tls_files

KEY_OPTIONS = ("ssl.key.location", "ssl.keystore.location")  # the librdkafka options that name a file with a key
REGISTRY_CREDENTIALS = ("username", "password", "bearer_token", "tls_key_password")
OTHERS = stat.S_IROTH | stat.S_IWOTH


def open_secret_files(configuration: Configuration) -> Iterator[tuple[Location, Path]]:
    """Yield the files with secrets that every user can read or change, each with the key that names it."""
    for location, path in secret_files(configuration):
        if _is_open(path):
            yield location, path


def secret_files(configuration: Configuration) -> Iterator[tuple[Location, Path]]:
    """Yield all files with secrets, each with the key that names it."""
    for index, source in enumerate(configuration.sources):
        yield from _source_files(index, source)
    for name, value in configuration.kafka.options.items():
        if (file := file_of(value)) is not None:
            yield ("kafka", "options", name), file
        elif name in KEY_OPTIONS:
            yield ("kafka", "options", name), Path(value)
    yield from _registry_files(configuration.registry)
    yield from _warehouse_files(configuration.warehouse)
    tls = tls_files(configuration, None, None)
    if tls is not None:
        yield ("ingress", "tls_key" if configuration.ingress.tls_key else "tls_certificate"), tls.key


def _source_files(index: int, source: Source) -> Iterator[tuple[Location, Path]]:
    references: list[tuple[Location, str]] = [
        *((("sources", index, "secrets", number), secret.ref) for number, secret in enumerate(source.secrets)),
        (("sources", index, "api_token"), source.api_token or ""),
        *((("sources", index, "api_tokens", tenant), token) for tenant, token in source.api_tokens.items()),
        (("sources", index, "echoes", "token"), "" if source.echoes is None else source.echoes.token or ""),
    ]
    for location, reference in references:
        if (file := file_of(reference)) is not None:
            yield location, file


def _registry_files(registry: Registry) -> Iterator[tuple[Location, Path]]:
    for key in REGISTRY_CREDENTIALS:
        if (file := file_of(getattr(registry, key) or "")) is not None:
            yield ("registry", key), file
    if registry.tls_certificate is not None:
        key = "tls_key" if registry.tls_key else "tls_certificate"
        yield ("registry", key), Path(registry.tls_key or registry.tls_certificate)


def _warehouse_files(warehouse: Warehouse) -> Iterator[tuple[Location, Path]]:
    for key in ("password", "credentials"):
        if (file := file_of(getattr(warehouse, key) or "")) is not None:
            yield ("warehouse", key), file
    if warehouse.s3 is not None:
        for key in ("access_key", "secret_key"):
            if (file := file_of(getattr(warehouse.s3, key))) is not None:
                yield ("warehouse", "s3", key), file


def _is_open(path: Path) -> bool:
    """Say whether every user can read or change a file; a missing file is not reported here."""
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
        is_read_only = bool(os.statvfs(real).f_flag & os.ST_RDONLY)
        is_reached = all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents)
    except OSError:
        return False
    return bool(mode & OTHERS) and is_reached and not is_read_only
