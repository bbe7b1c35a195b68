"""These tests are collected only where `make test-containers` has prepared an engine and its images."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.containers.__main__ import READY
from tests.containers.composed import Composed, composed, configured

SERVICES = ("kafka", "registry", "ingress", "worker")
SOURCES = (
    *(f"kill-{service}" for service in SERVICES),
    "down",
    "scaled",
    "drained",
    "tls",
)  # one for each test that counts decisions

if READY not in os.environ:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """Give the whole compose file, built and started once for all tests."""
    directory = tmp_path_factory.mktemp("compose")
    folder = configured(directory / "config", SOURCES)
    project = Composed(f"penstock-test-{uuid.uuid4().hex[:8]}", directory, CONFIG_FOLDER=str(folder))
    with composed(project):
        project.up("--build")
        yield project
