"""Factories of all Kafka clients: none of them prints; librdkafka's log lines go to the process's log.

A client delivers its log lines when it is polled and queues them until then. A client that is rarely or never polled is
therefore silent; its relevant errors are raised.
"""

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

LOGGER = "librdkafka"
SILENT = {"log_level": 0}


def producer(options: Mapping[str, Any]) -> Producer:
    """Return a producer; poll it regularly, or its log lines pile up."""
    return Producer(dict(options), logger=logging.getLogger(LOGGER))


def consumer(options: Mapping[str, Any]) -> Consumer:
    """Return a consumer that will be polled."""
    return Consumer(dict(options), logger=logging.getLogger(LOGGER))


def silent_consumer(options: Mapping[str, Any]) -> Consumer:
    """Return a consumer for a command or a single query: relevant errors are raised."""
    return consumer({**options, **SILENT})


def silent_producer(options: Mapping[str, Any]) -> Producer:
    """Return a producer for a command: relevant errors are raised."""
    return producer({**options, **SILENT})


def admin(options: Mapping[str, Any]) -> AdminClient:
    """Return an admin client; it is never polled."""
    return AdminClient({**options, **SILENT}, logger=logging.getLogger(LOGGER))
