"""The errors of Kafka and the schema registry, for every component.

BrokerError          the message says what happened and what to do
├── Transient        nothing was committed; a retry may help
│   └── RegistryError   the schema registry is unavailable, or rejects a schema
│       └── IncompatibleSchema   it holds records of the topic that a new schema could not read
└── ReadTimeout      Kafka sent nothing for too long while a range of records was read
"""


class BrokerError(Exception):
    """Kafka or the schema registry failed."""


class Transient(BrokerError):
    """Nothing was committed; a retry may help."""


class RegistryError(Transient):
    """The registry is unavailable, or rejects a schema; the message names the subject and what to do."""


class IncompatibleSchema(RegistryError):
    """The registry rejects a schema, because a reader with it could not read the topic's older records."""


class ReadTimeout(BrokerError):
    """Kafka sent nothing for too long while a range of records was read."""
