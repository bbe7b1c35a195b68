"""Up to where the requests of each partition are done: requests end in another order than they stand on their topic."""

from collections.abc import Iterable

from confluent_kafka import TopicPartition

Partition = tuple[str, int]


class Offsets:
    """The requests that were taken and are not done, by partition."""

    def __init__(self) -> None:
        self._open: dict[Partition, dict[int, None]] = {}  # as an ordered set: offsets come in ascending order
        self._next: dict[Partition, int] = {}
        self._told: dict[Partition, int] = {}

    def taken(self, topic: str, partition: int, offset: int) -> None:
        """Note a request that was read from its topic."""
        self._open.setdefault((topic, partition), {})[offset] = None
        self._next[topic, partition] = offset + 1

    def done(self, positions: Iterable[tuple[str, int, int]]) -> None:
        """Note requests whose results are in the transaction that is being committed."""
        for topic, partition, offset in positions:
            self._open.get((topic, partition), {}).pop(offset, None)

    def dropped(self, topic: str, partition: int) -> None:
        """Forget a partition, which another worker has now."""
        for known in (self._open, self._next, self._told):
            known.pop((topic, partition), None)

    def to_commit(self) -> list[TopicPartition]:
        """Return the positions that have moved: the oldest request that is not done, or behind the last one."""
        moved = []
        for partition, following in self._next.items():
            position = next(iter(self._open[partition]), following)
            if self._told.get(partition) != position:
                self._told[partition] = position
                moved.append(TopicPartition(*partition, position))
        return moved

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))
