"""When the loader writes and compacts."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """When a batch is written: after so many records, or so long after its first; and how often files are compacted."""

    batch_rows: int = 5_000
    batch_s: float = 2.0
    compact_every: int = 20
