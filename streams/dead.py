"""Decisions that put a delivery aside and change nothing stored."""

import traceback

from schemas.records import Outcome
from streams.pipeline import Result, Writes


def dead(reason: str, detail: str) -> Result:
    """Return the decision to make a delivery a dead letter."""
    return Result(Outcome("dead", reason, detail), (), Writes({}, {}))


def broken(error: Exception) -> Result:
    """Return the decision about a delivery on which the code itself broke: where, and never what the delivery says."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file = frame.filename.rpartition("/")[2]
    return dead("internal_error", f"{type(error).__name__} in {frame.name} ({file}:{frame.lineno})")
