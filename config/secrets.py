"""Resolves the references to secrets in `penstock.toml`: `env:NAME`, `file:PATH`, `text:SECRET`. No message shows a secret."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from config.model import REFERENCES, Configuration, SecretReference, Source, shown_reference
from config.problems import ConfigurationError, Problem


def resolve_secret(reference: "SecretReference | str", environ: Mapping[str, str]) -> bytes:
    """Return the secret that a reference names; one trailing newline of a file is dropped.

    An empty secret is refused: anyone can compute an HMAC with an empty key.
    Raises `ConfigurationError`, whose text names the reference and never the secret.
    """
    text = reference if isinstance(reference, str) else reference.ref
    kind, _, name = text.partition(":")
    if kind == "env":
        secret = _from_environment(name, environ)
    elif kind == "file":
        secret = _from_file(name)
    elif kind == "text":
        secret = name.encode()
    else:  # probably the secret itself, so it is not shown
        raise ConfigurationError([Problem("", "the secret", "expected env:NAME, file:PATH or text:SECRET")])
    if not secret:
        raise ConfigurationError([Problem("", shown_reference(text), "the secret is empty")])
    return secret


def current_secrets(source: "Source", environ: Mapping[str, str], today: date) -> tuple[bytes, ...]:
    """Return the secrets that a source accepts today (UTC), in the order of the file; the first one signs."""
    return tuple(resolve_secret(secret, environ) for secret in source.secrets if secret.is_current(today))


def credential(reference: str, environ: Mapping[str, str]) -> str:
    """Return the text that a reference names, for Kafka or the registry; white space at the end of a file is dropped.

    A server compares the whole text, and files end with newlines that an editor or `base64` adds.
    Raises `ConfigurationError`, whose text names the reference and never the secret.
    """
    secret = resolve_secret(reference, environ)
    try:
        text = (secret.rstrip() if reference.startswith("file:") else secret).decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError([Problem("", shown_reference(reference), "expected UTF-8")]) from error
    if not text:
        raise ConfigurationError([Problem("", shown_reference(reference), "the secret is empty")])
    return text


def kafka_options(configuration: "Configuration", environ: Mapping[str, str]) -> dict[str, str]:
    """Return the options common to all Kafka clients: brokers and `[kafka.options]`, `env:` and `file:` values resolved.

    Raises `ConfigurationError` with each option that cannot be resolved, and its line.
    """
    options, problems = {}, []
    for name, value in configuration.kafka.options.items():
        try:
            options[name] = credential(value, environ) if value.startswith(REFERENCES) else value
        except ConfigurationError as error:
            problems.append(configuration.problem(("kafka", "options", name), str(error)))
    if problems:
        raise ConfigurationError(problems)
    return {"bootstrap.servers": configuration.kafka.bootstrap_servers, **options}


def _from_environment(name: str, environ: Mapping[str, str]) -> bytes:
    if name not in environ:
        raise ConfigurationError([Problem("", f"env:{name}", f"the environment variable {name} is not set")])
    return os.fsencode(environ[name])


def _from_file(name: str) -> bytes:
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise ConfigurationError([Problem("", f"file:{name}", (error.strerror or "cannot be read").lower())]) from error
    return content[:-1].removesuffix(b"\r") if content.endswith(b"\n") else content
