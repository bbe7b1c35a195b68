"""The lists in Stripe's objects whose elements are separate resources, and the fields whose change alone is no change."""

from collections.abc import Mapping
from typing import Final

from schemas.records import ChildRule

# Only a few objects have an update time; Stripe changes it whenever it changes the object.
VOLATILE: Final = frozenset({"updated"})
# A list contains its first page, and `has_more` tells whether there are others. A line's id is assumed unique only within its
# invoice or credit note, so it is combined with the parent's id.
CHILDREN: Final[Mapping[str, tuple[ChildRule, ...]]] = {
    "invoice": (ChildRule("invoice_line_item", "lines", is_relation=True),),
    "credit_note": (ChildRule("credit_note_line_item", "lines", is_relation=True),),
    "subscription": (ChildRule("subscription_item", "items"),),
}
