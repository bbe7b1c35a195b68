"""What can go wrong with Kafka and the schema registry, for every stage.

BrokerError          the message says what happened and what to do
├── Transient        nothing was committed; trying again may help
│   └── RegistryError   the schema registry is away, or refuses a schema
└── ReadTimeout      Kafka sent nothing for too long while a range of records was read
"""


class BrokerError(Exception):
    """Kafka or the schema registry failed."""


class Transient(BrokerError):
    """Nothing was committed; trying again may help."""


class RegistryError(Transient):
    """The registry is away, or refuses a schema; the message says which subject and what to do."""


class ReadTimeout(BrokerError):
    """Kafka sent nothing for too long while a range of records was read."""
