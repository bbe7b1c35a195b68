"""What can go wrong between the pipeline and its surroundings.

Fault
├── Transient   nothing was committed; the batch is tried again
└── Terminal    this process may not go on: it ends with exit code 3, loudly, and its supervisor starts it again
"""


class Fault(Exception):
    """Something outside the pipeline failed."""


class Transient(Fault):
    """Nothing was committed; trying again may help."""


class Terminal(Fault):
    """Going on could lose or double something; the process must end."""
