"""The raw topic in memory, for tests of the ingress before Kafka."""

from ingress.delivery.publisher import PUBLISHED, Headers, Report


class MemoryTopic:
    """Keeps published records and returns the configured report, or raises the configured error."""

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
