"""The consumers in docs/examples, as processes of their own."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from local import artifacts
from local.guard import Child, spawn
from local.pins import KAFKA, Bundle, Pin

FOLDER = Path(__file__).parents[3] / "docs" / "examples"
AVRO = Bundle(
    "Apache Avro 1.12.1",
    "avro-1.12.1",
    "jars",
    (
        Pin(
            "org.apache.avro",
            "avro",
            "1.12.1",
            718_936,
            "72600f057bfbe2efe35fa55433e7756d45667dc938934be38a6e2be368aca237",
        ),
    ),
)


def start(
    command: Sequence[str], kafka: str, registry: str, log: Path, environment: Mapping[str, str] | None = None
) -> Child:
    """Start an example; its output goes to `log`."""
    addresses = {"KAFKA": kafka, "REGISTRY": registry, "PYTHONPATH": str(FOLDER)}
    return spawn(command, log=log, environment={**os.environ, **addresses, **(environment or {})})


def python_command(file: str, *arguments: str) -> list[str]:
    """Return the command that runs an example in Python."""
    return [sys.executable, str(FOLDER / file), *arguments]


def faust_command(module: str, data_dir: Path) -> list[str]:
    """Return the command that runs an example with Faust."""
    program = str(Path(sys.executable).parent / "faust")
    return [program, "--datadir", str(data_dir), "-A", module, "worker", "-l", "warn", "--without-web"]


def java_command(file: str, *arguments: str) -> list[str]:
    """Return the command that compiles and runs an example in Java; skip the test where there is no JDK."""
    javac = shutil.which("javac")
    if javac is None:
        pytest.skip("no JDK on this machine: without javac a Java source file cannot be run")
    jars = [f"{artifacts.fetch(bundle)}/*" for bundle in (KAFKA, AVRO)]
    return [str(Path(javac).with_name("java")), "-cp", ":".join(jars), str(FOLDER / file), *arguments]


def loaded(file: str) -> ModuleType:
    """Return an example as a module, read anew with the present environment."""
    specification = importlib.util.spec_from_file_location(Path(file).stem, FOLDER / file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
