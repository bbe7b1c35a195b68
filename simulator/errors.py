"""The errors of the simulator."""


class SimulatorError(Exception):
    """Nothing was posted, and a retry fails too until the user acts; the message says what to do."""
