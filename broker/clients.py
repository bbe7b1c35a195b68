"""Kafka clients, made in one place: none of them prints; what librdkafka reports goes through the process's log.

A client hands its lines over when it is polled, and keeps them until then. So one that is polled rarely or never says nothing:
what matters of it is raised.
"""

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

LOGGER = "librdkafka"
SILENT = {"log_level": 0}


def producer(options: Mapping[str, Any]) -> Producer:
    """Return a producer; poll it now and then, or its lines pile up."""
    return Producer(dict(options), logger=logging.getLogger(LOGGER))


def consumer(options: Mapping[str, Any]) -> Consumer:
    """Return a consumer that will be polled."""
    return Consumer(dict(options), logger=logging.getLogger(LOGGER))


def silent_consumer(options: Mapping[str, Any]) -> Consumer:
    """Return a consumer for a command or a single query: what matters is raised."""
    return consumer({**options, **SILENT})


def silent_producer(options: Mapping[str, Any]) -> Producer:
    """Return a producer for a command: what matters is raised."""
    return producer({**options, **SILENT})


def admin(options: Mapping[str, Any]) -> AdminClient:
    """Return a client that asks and creates; it is never polled."""
    return AdminClient({**options, **SILENT}, logger=logging.getLogger(LOGGER))
