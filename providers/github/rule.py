"""The rule of a GitHub event: what names its resource, what orders it, what it shows.

Paths are dotted. `@repository` is the repository's id, else its full name or address; `@owner` the organization, else the
enterprise or installation; `@target` what the hook belongs to, "-" if no header says it; `@delivery` is the delivery's GUID: an
event without lasting state is a separate resource each time.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from providers.github.ranks import OBJECT, RELATION, Rank

DELETED = frozenset({"deleted"})
REMOVED = frozenset({"removed"})
NEVER: frozenset[str] = frozenset()

# Each prefix keeps ids of one sequence apart from those of another: organization 5 is not enterprise 5.
SCOPES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "@repository": (("repository.id", ""), ("repository.full_name", ""), ("repository.url", "")),
    "@owner": (("organization.id", ""), ("enterprise.id", "enterprise/"), ("installation.id", "installation/")),
}
"""For each scope, the paths of its id, the best first, and the prefix of the id found there."""


class Listed(Struct, frozen=True):
    """A list of main objects next to each other: each element counts as the payload's field `name`.

    `is_removed`: the elements are those that are gone.
    """

    field: str
    name: str
    is_removed: bool = False


class Rule(Struct, frozen=True):
    """How to find the resource of an event.

    `ids` are joined with `:`; if one is missing, `or_else` applies instead. `main` is the field that holds the document; None
    takes the whole payload, for events with all fields at the top level. A relation has `relates` instead: the fields of its
    document and their paths; resources are reduced to what names them, so that all events about a relation show one document.
    `version` is an update time that grows with every change. If there is none, `times` are tried in order; they name only times
    that never decrease for one resource. For example, `dismissed_at` is null again after a reopening, and falling back to
    `created_at` would then make the reopening look old. `newest_of` is a list and the field in it with the last resort of times.
    `rank` decides where times do not. `deleting` are the actions after which the resource is gone, "" for an event without
    action; `deleting_flag` is a path that is true in that case. `each` are the lists of main objects. `beside` are further
    resources in the same payload, with the same root; each is there for every element of its lists, or if `needs` has a value.
    """

    resource_type: str
    ids: tuple[str, ...]
    main: str | None = None
    version: str | None = None
    times: tuple[str, ...] = ()
    parent: tuple[str, str] | None = None
    deleting: frozenset[str] = NEVER
    deleting_flag: str | None = None
    each: tuple[Listed, ...] = ()
    relates: tuple[tuple[str, str], ...] = ()
    newest_of: tuple[str, str] | None = None
    rank: Rank | None = None
    needs: str | None = None
    beside: "tuple[Rule, ...]" = ()
    or_else: "Rule | None" = None

    def paths(self) -> frozenset[str]:
        """Return every path needed to name the resource and its time, except that of the document."""
        candidates = (
            *self.ids,
            *self.times,
            self.version,
            self.deleting_flag,
            *(listed.field for listed in self.each),
            (self.parent or ("", None))[1],
        )
        scoped = (place for path in candidates if path for place, _ in SCOPES.get(path, ()))
        plain = (path for path in candidates if path and not path.startswith("@"))
        return frozenset((*scoped, *plain)) | (self.or_else.paths() if self.or_else else frozenset())

    def resource_types(self) -> Iterator[str]:
        """Yield the types of every resource that the rule may find."""
        yield self.resource_type
        for rule in (*self.beside, *([self.or_else] if self.or_else else [])):
            yield from rule.resource_types()


def own(
    name: str,
    resource_type: str | None = None,
    *,
    parent: tuple[str, str] | None = None,
    deleting: frozenset[str] = DELETED,
    rank: Rank = OBJECT,
    beside: tuple[Rule, ...] = (),
) -> Rule:
    """Return the rule for the common case: an object called `name` with `id`, `created_at` and mostly `updated_at`.

    Old and foreign payloads name it by `node_id`, or by a number within its repository.
    """
    rule = Rule(
        resource_type or name,
        ("@repository", f"{name}.number"),
        main=name,
        version=f"{name}.updated_at",
        times=(f"{name}.created_at",),
        parent=parent,
        deleting=deleting,
        rank=rank,
        beside=beside,
    )
    by_node = replace(rule, ids=(f"{name}.node_id",), or_else=rule)
    return replace(rule, ids=(f"{name}.id",), or_else=by_node)


def alert(resource_type: str) -> Rule:
    """Return the rule for an alert: it has a number within its repository but no id, and its `updated_at` may be null.

    It may be dismissed and reopened any number of times: none of its states is final, but its creation is the first.
    """
    rule = Rule(
        resource_type,
        ("alert.url",),
        main="alert",
        version="alert.updated_at",
        times=("alert.created_at",),
        rank=OBJECT,
    )
    return replace(rule, ids=("@repository", "alert.number"), or_else=rule)


def relation(resource_type: str, ids: tuple[str, str], fields: str, *, deleting: frozenset[str] = NEVER) -> Rule:
    """Return the rule for a relation of two resources; `fields` are those of its document, with `=path` where it differs."""
    pairs = (field.partition("=") for field in fields.split())
    relates = tuple((name, path or name) for name, _, path in pairs)
    return Rule(resource_type, ids, relates=relates, deleting=deleting, rank=RELATION)
