"""End offsets of partitions, retried while a new or restarted broker has not yet learned that it leads them."""

from confluent_kafka import Consumer, KafkaException, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

TIMEOUT_S = 10.0


@retry(
    retry=retry_if_exception_type(KafkaException), wait=wait_fixed(0.1), stop=stop_after_delay(TIMEOUT_S), reraise=True
)
def end_of(consumer: Consumer, topic: str, partition: int) -> int:
    """Return the offset after a partition's last record."""
    return consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S, cached=False)[1]
