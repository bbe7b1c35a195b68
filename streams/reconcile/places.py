"""Names of what is under way: a list of an account, its walk in the index, and the resources that it shows. Pure."""

from schemas.reconciliation import Walk
from streams.reconcile.index import Kind

Place = tuple[str, str]
"""An account and one of its lists."""


def mark_of(run: str, place: Place) -> str:
    """Return the name of a walk in the index."""
    return f"{run}/{place[0]}|{place[1]}"


def kind_of(walk: Walk) -> Kind | None:
    """Return the resources that a walk's list shows, None for several types."""
    task = walk.task
    if walk.resource_type is None:
        return None
    return task.provider, task.asked.source, task.tenant, walk.resource_type
