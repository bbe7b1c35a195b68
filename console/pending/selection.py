"""Which waiting deliveries a person means: by id, position or resource, or by what is known of them. Pure."""

from msgspec import Struct

from console.pending.waiting import Waiting
from console.selecting import is_one_of


class Selection(Struct, frozen=True):
    """A resource is selected if it, or a delivery that waits for it, has one of the names, and one of the values of each field.

    `names` are delivery ids, positions such as `webhooks.raw-0-17`, or resource keys. `text` is looked for in the resource's
    key and in why it waits, in upper and lower case.
    """

    names: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    text: str | None = None

    @property
    def is_everything(self) -> bool:
        """Say whether nothing is selected by."""
        return self == Selection()

    def matches(self, waiting: Waiting) -> bool:
        """Say whether a resource that is waited for is selected."""
        return (
            is_one_of(self.sources, waiting.source)
            and is_one_of(self.tenants, waiting.tenant)
            and is_one_of(self.resources, waiting.resource_type)
            and is_one_of(self.reasons, waiting.reason)
            and (not self.names or not self.names.isdisjoint(_names(waiting)))
            and (self.text is None or self.text.lower() in f"{waiting.resource_key}\n{waiting.why}".lower())
        )


def _names(waiting: Waiting) -> set[str]:
    """Return what a person may call a resource that is waited for: its key, and each delivery's id or position."""
    own = {waiting.resource_key}
    for one in waiting.deliveries:
        own |= {one.delivery_id, one.position}
    return own
