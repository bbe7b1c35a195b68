"""Logs when Kafka stops answering and when it answers again: two lines for an outage, however often it is asked meanwhile."""

import structlog

log = structlog.get_logger()


class Silence:
    """What the last request to Kafka showed; `is_on` if it failed."""

    def __init__(self) -> None:
        self.is_on = False

    def begins(self, detail: str) -> None:
        """Note a request that failed; `detail` is librdkafka's text."""
        if not self.is_on:
            log.warning("kafka_silent", detail=detail)
        self.is_on = True

    def ends(self) -> None:
        """Note a request that succeeded."""
        if self.is_on:
            log.info("kafka_answers")
        self.is_on = False
