"""How many examples a property test tries: a fifth in `make check`, for its limit of a minute; all in CI and for mutants."""

import os

VARIABLE = "PENSTOCK_PROPERTIES"
FULL = "full"
SHARE = 5


def examples(full: int) -> int:
    """Return the number of examples, given that of a full run."""
    return full if os.environ.get(VARIABLE) == FULL else max(1, full // SHARE)
