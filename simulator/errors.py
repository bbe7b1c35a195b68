"""What can go wrong in the simulator."""


class SimulatorError(Exception):
    """Nothing was posted, and trying again changes nothing until a person acts; the message says what to do."""
