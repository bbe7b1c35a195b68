"""Where a running `penstock up` listens, left in its data directory for the commands beside it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses of one `penstock up` and the configuration that it serves (absolute)."""

    config: str
    ingress_url: str
    bootstrap_servers: str
    registry_url: str

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which the configuration means this Kafka and registry; what is set there already wins."""
        return {
            "PENSTOCK_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "PENSTOCK_REGISTRY_URL": self.registry_url,
            **environ,
        }


def leave(data_dir: Path, running: Running) -> None:
    """Leave the addresses for others, whole or not at all."""
    draft = data_dir / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(running)), encoding="utf-8")
    draft.replace(data_dir / FILE)


def take_away(data_dir: Path) -> None:
    """Remove the addresses: nobody listens there any more. Killed before this, they mislead until the next start."""
    (data_dir / FILE).unlink(missing_ok=True)


def found(data_dir: Path, config: Path) -> Running | None:
    """Return where the `penstock up` of this data directory and configuration listens, None if there is none."""
    try:
        running = Running(**json.loads((data_dir / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return running if running.config == str(config.absolute()) else None


def surroundings(data_dir: Path, config: Path) -> Mapping[str, str]:
    """Return the environment for a command: this process's, and what a `penstock up` of this configuration adds to it."""
    running = found(data_dir, config)
    return os.environ if running is None else running.environ(os.environ)
