"""The errors of a command, and the exit code of each for scripts.

ConsoleFault     shown to the user as it is, without a traceback
├── Failed       the command ran and found or met a problem; exit code 1
└── Misused      arguments, configuration or surroundings are wrong; exit code 2
"""

FAILED = 1
MISUSED = 2


class ConsoleFault(Exception):
    """Base of all errors that a command raises; the message says what to do."""


class Failed(ConsoleFault):
    """The command ran but did not succeed."""


class Misused(ConsoleFault):
    """Nothing was done, and a retry fails too until the user acts."""


def expected_faults() -> tuple[type[Exception], ...]:
    """Return the exceptions that a user can fix; any other is a bug and keeps its traceback."""
    from confluent_kafka import KafkaException

    from broker.errors import BrokerError
    from config.problems import ConfigurationError
    from local.errors import LocalError
    from simulator.errors import SimulatorError
    from sinks.warehouse.errors import WarehouseError

    return (
        ConsoleFault,
        ConfigurationError,
        LocalError,
        BrokerError,
        SimulatorError,
        WarehouseError,
        KafkaException,
    )


def exit_code(fault: Exception) -> int:
    """Return the exit code of the process for an expected fault."""
    from broker.errors import ReadTimeout
    from local.errors import DidNotStart

    return FAILED if isinstance(fault, Failed | DidNotStart | ReadTimeout) else MISUSED


def explanation(fault: Exception) -> str:
    """Return the message for the user about an expected fault."""
    from confluent_kafka import KafkaException

    if isinstance(fault, KafkaException):
        return f"Kafka: {fault.args[0].str()}; is penstock running, and is [kafka] right? (`penstock check --online`)"
    return str(fault)
