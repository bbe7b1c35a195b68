"""How far each partition was read, so that no delivery is decided twice in one assignment.

When a broker is lost, librdkafka may find the position that it has "out of range" and begin the partition anew, as
`auto.offset.reset` says, without telling: confluentinc/librdkafka#5158.
"""

from collections.abc import Iterable, Sequence

import structlog
from confluent_kafka import Message

from streams.worker.batch import offset_of

log = structlog.get_logger()


class Positions:
    """The offset after the last record of each partition that was handed on."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def unread(self, messages: Iterable[Message]) -> list[Message]:
        """Return the records that were not handed on before, and note them."""
        unread, again = list[Message](), dict[int, int]()
        for message in messages:
            partition, offset = offset_of(message)
            if offset < self._next.get(partition, 0):
                again[partition] = again.get(partition, 0) + 1
                continue
            self._next[partition] = offset + 1
            unread.append(message)
        for partition, records in again.items():
            log.warning("records_read_again", partition=partition, records=records)
        return unread

    def forget(self, partitions: Sequence[int] | None = None) -> None:
        """Take whatever comes next: of partitions that are newly assigned, or of all after a batch was taken back."""
        for partition in list(self._next) if partitions is None else partitions:
            self._next.pop(partition, None)
