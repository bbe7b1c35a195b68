"""Mutants of the containers: the images, the compose file, and its healthchecks."""

from typing import Final

from tests.mutants.mutant import Mutant

CONTAINING: Final = (
    Mutant(
        "registry_folder_belongs_to_root",
        "`docker compose up` comes up: the registry cannot write its volume, and the worker waits for it without end.",
        "deploy/registry/Dockerfile",
        " && chown 1001:0 /var/lib/registry",
        "",
        ("tests/unit/test_compose.py::test_registry_may_write_its_volume",),
    ),
    Mutant(
        "scaled_workers_share_an_id",
        "Workers can be scaled: each of three takes the transactions of the others over, and all restart without end.",
        "docker-compose.yml",
        'command: ["worker"]',
        'command: ["worker", "--worker-id", "worker-0"]',
        ("tests/unit/test_compose.py::test_workers_can_be_scaled",),
    ),
    Mutant(
        "configuration_is_one_file",
        "Sources change while the ingress runs: an editor renames the file, and the container keeps the old one.",
        "docker-compose.yml",
        "./deploy/compose/config}:/etc/penstock:ro  # a folder",
        "./deploy/compose/config/penstock.toml}:/etc/penstock/penstock.toml:ro  # a folder",
        ("tests/unit/test_compose.py::test_configuration_is_a_folder",),
    ),
    Mutant(
        "open_port_is_healthy",
        "Healthy means that the broker answers: a process that stands still keeps its port open.",
        "docker-compose.yml",
        "          answer=$$(head -c 12 <&3 | od -An -v -tx1 | tr -d ' \\n')\n"
        "          [[ $${answer:8:8} == 00000001 && $${answer:16:8} != 00000000 ]]\n",
        "",
        ("tests/kafka/test_healthcheck.py::test_silent_port_is_not_healthy",),
    ),
)
