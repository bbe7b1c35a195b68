"""The raw topic in memory, for tests of what happens before Kafka."""

from ingress.delivery.publisher import PUBLISHED, Headers, Report


class MemoryTopic:
    """Keeps what is published and reports as it was told to, or breaks as it was told to."""

    def __init__(self, report: Report = PUBLISHED, fault: BaseException | None = None) -> None:
        self.records: list[tuple[bytes, bytes, Headers]] = []
        self._report = report
        self._fault = fault

    async def publish(self, key: bytes, value: bytes, headers: Headers) -> Report:
        """Keep one record and report on it."""
        self.records.append((key, value, headers))
        if self._fault is not None:
            raise self._fault
        return self._report
