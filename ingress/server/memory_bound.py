"""The most memory that one ingress process takes: the sum of its limits, each of which `penstock.toml` sets.

    process + connections x (one connection) + bytes in flight + one more body + records waiting for Kafka

Every term is an enforced bound, so the sum is a bound too. Proven at the limit, with every connection in its worst case, by
tests/kafka/test_ingress_memory.py. Attacks that it defends against: docs/security.md.
"""

from dataclasses import dataclass

from ingress.delivery.publisher import QUEUE_KBYTES
from ingress.settings import Settings

MB = 1024 * 1024
PROCESS_BYTES = 112 * MB  # 65 to 75 MB when idle (measured), and freed small objects that the allocators retain.
CONNECTION_BYTES = 24 * 1024  # Socket, parser and parsed head: 9 kB when silent, 19 kB in a request (measured).
TLS_BYTES = 768 * 1024  # uvloop's read buffer of 256 kB, and twice as much in OpenSSL (measured: 710 kB at worst).
SPOOL_BYTES = (
    24 * MB
)  # Rows waiting for the disk, and rows kept in memory (`ingress/delivery/spool.py`, `ingress/delivery/failover_publisher.py`).


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """The terms of the sum, in bytes."""

    process: int
    connections: int
    under_way: int
    waiting_for_kafka: int

    @property
    def total(self) -> int:
        """Return the sum."""
        return self.process + self.connections + self.under_way + self.waiting_for_kafka


def memory_bound(settings: Settings, *, has_tls: bool = False) -> MemoryBound:
    """Return the most memory that a process with these settings takes."""
    per_connection = CONNECTION_BYTES + (TLS_BYTES if has_tls else 0)
    # Connections are closed at a quarter above the limit (`body_limits`); joining a body from its pieces holds it twice.
    under_way = settings.bodies_limit_bytes * 5 // 4 + 2 * settings.body_limit_bytes
    spool = SPOOL_BYTES if settings.spool_bytes else 0
    return MemoryBound(
        process=PROCESS_BYTES,
        connections=settings.max_connections * per_connection,
        under_way=under_way,
        waiting_for_kafka=QUEUE_KBYTES * 1024 + spool,
    )
