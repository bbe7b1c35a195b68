"""The committed offsets of a consumer group, read with a separate client.

The worker's consumer is no option: its calls block each other, so a revocation inside `poll` would wait for a restore. Nor is
an admin client: librdkafka 2.16 aborts the process when one times out on a coordinator (`rd_kafka_enq_once`).
"""

from collections.abc import Collection, Mapping

from confluent_kafka import KafkaException, TopicPartition

from broker import clients
from broker.errors import Transient
from schemas.topics import RAW

TIMEOUT_S = 5.0  # a revocation waits for it


def committed(options: Mapping[str, str], group: str, partitions: Collection[int]) -> dict[int, int]:
    """Return the group's offset of each partition of `webhooks.raw`, negative if nothing was committed.

    Also raises `Transient` while a transaction with offsets of one of them is pending: Kafka does not answer then.
    """
    client = clients.silent_consumer({**options, "group.id": group, "isolation.level": "read_committed"})
    try:
        topic_partitions = client.committed([TopicPartition(RAW, number) for number in partitions], timeout=TIMEOUT_S)
    except KafkaException as error:
        raise Transient(f"the committed offsets of {RAW}: {error.args[0].str()}") from error
    finally:
        client.close()
    for topic_partition in topic_partitions:
        if topic_partition.error is not None:
            raise Transient(f"the committed offset of {RAW}-{topic_partition.partition}: {topic_partition.error.str()}")
    return {topic_partition.partition: topic_partition.offset for topic_partition in topic_partitions}
