"""The errors of the loader and its engines.

Unavailable      a broker.errors.Transient: nothing was committed, or it is not known; the stored offsets tell
WarehouseError
├── Refused        the engine cannot keep a value of this batch; it is split until the record is found
├── Fenced         another loader has written to this warehouse; the process ends with exit code 3
├── Unusable       the warehouse cannot be opened as configured; the message says what to do
└── WrongQuery     a statement of an analyst is wrong; the message is the engine's own
"""

from broker.errors import Transient


class Unavailable(Transient):
    """The warehouse is locked, full or away; a retry may help."""


class WarehouseError(Exception):
    """The warehouse cannot do what was asked."""


class Refused(WarehouseError):
    """A value of the batch cannot be kept; nothing was committed."""


class Fenced(WarehouseError):
    """The stored offsets are not those that this loader has written."""


class Unusable(WarehouseError):
    """The warehouse cannot be opened as configured."""


class WrongQuery(WarehouseError):
    """The statement is wrong; the text is the engine's own."""
