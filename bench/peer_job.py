"""The parameters of a contestant in the pipeline benchmark, as one JSON argument: its input and its outputs.

Contestants in other virtual environments import it too, so it needs only the standard library.
"""

import json
from dataclasses import asdict, dataclass, field

PARTITIONS = 4
OUTPUTS = ("changes", "state", "outcomes")
CHANGELOGS = ("seen-changelog", "latest-changelog")


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant in one round; `prefixes` are the five schema bytes in hexadecimal."""

    name: str
    kafka: str
    raw: str
    directory: str
    prefixes: dict[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """Return the consumer group, which is also the transactional id."""
        return f"bench.{self.name}"

    def topic(self, output: str) -> str:
        """Return the name of one of the contestant's own topics."""
        return f"bench.{self.name}.{output}"

    def wire_prefixes(self) -> dict[str, bytes]:
        """Return the five bytes that begin every value under a schema."""
        return {name: bytes.fromhex(prefix) for name, prefix in self.prefixes.items()}

    def argument(self) -> str:
        """Return the entry as a command-line argument."""
        return json.dumps(asdict(self))


def entry_of(argument: str) -> Entry:
    """Return the entry encoded in an argument."""
    return Entry(**json.loads(argument))
