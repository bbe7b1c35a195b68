"""Loads `penstock.toml`; every error has its line.

Problem              one thing to repair, with its line
ConfigurationError   Terminal: the process ends with every problem on a line of its own
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from config import model
from config.attribute_docs import attribute_docs
from config.cross_checks import cross_problems
from config.model import (
    Configuration,
    Echoes,
    GenericOptions,
    Ingress,
    Kafka,
    ObjectStore,
    Registry,
    Route,
    SecretReference,
    Source,
    Warehouse,
    Worker,
)
from config.problems import ConfigurationError, Problem, explain, key_text
from config.toml_lines import Location, key_lines, line_of

OVERRIDES: Mapping[str, tuple[str, str]] = {
    "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "PENSTOCK_REGISTRY_URL": ("registry", "url"),
}


def load(path: Path, environ: Mapping[str, str]) -> "Configuration":
    """Return the configuration in a file, overrides applied; raise `ConfigurationError` with all problems."""
    text = _read(path)
    table = _parse(text, path)
    overridden = _override(table, environ)
    problems = list(cross_problems(table))
    configuration = None
    try:
        configuration = Configuration.model_validate(table, context={"directory": path.parent})
    except ValidationError as error:
        problems += [explain(details, _known_keys) for details in error.errors()]
    if configuration is None or problems:
        raise ConfigurationError(_placed(problems, path, text, overridden))
    configuration._path, configuration._lines = path, key_lines(text)
    return configuration


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `penstock.toml`, for editors and for docs/configuration.md.

    Besides the standard keywords, a text may have `x-expected`, which says in words what a function checks.
    """
    schema = Configuration.model_json_schema(mode="validation")
    texts = attribute_docs(Path(model.__file__).read_text(encoding="utf-8"))
    for name, table in schema["$defs"].items():
        for key, text in texts[name].items():
            table["properties"][key]["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "penstock.toml"}


_TABLES: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): Configuration,
    ("kafka",): Kafka,
    ("registry",): Registry,
    ("sources",): Source,
    ("sources", "secrets"): SecretReference,
    ("sources", "options"): GenericOptions,
    ("sources", "echoes"): Echoes,
    ("routes",): Route,
    ("worker",): Worker,
    ("ingress",): Ingress,
    ("warehouse",): Warehouse,
    ("warehouse", "s3"): ObjectStore,
}


def _known_keys(location: Location) -> Sequence[str]:
    return tuple(_TABLES[tuple(part for part in location if isinstance(part, str))].model_fields)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigurationError([Problem(str(path), "", (error.strerror or "cannot be read").lower())]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Problem(f"{path}:{line}", "", "expected UTF-8")]) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r"\(at line (\d+), column (\d+)\)", message)
        line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
        message = re.sub(r" \(at .*\)$", f" (column {found[2]})" if found else " (the file ends too early)", message)
        raise ConfigurationError([Problem(f"{path}:{line}", "", f"no valid TOML: {message}")]) from error


def _override(table: dict[str, Any], environ: Mapping[str, str]) -> dict[Location, str]:
    """Apply the environment's values to the table and return the variable of each overridden key."""
    overridden: dict[Location, str] = {}
    for variable, (section, key) in OVERRIDES.items():
        if environ.get(variable) and isinstance(table.setdefault(section, {}), dict):
            table[section][key] = environ[variable]
            overridden[(section, key)] = variable
    return overridden


def _placed(
    problems: Sequence[tuple[Location, str]], path: Path, text: str, overridden: Mapping[Location, str]
) -> list[Problem]:
    lines = key_lines(text)
    by_line = sorted(problems, key=lambda problem: line_of(problem[0], lines))
    return [
        Problem(overridden.get(location) or f"{path}:{line_of(location, lines)}", key_text(location), message)
        for location, message in by_line
    ]
