"""What names a resource of each provider, and what orders it, as the tables of docs/semantics.md.

Write them there again after an edit of the rules with `.venv/bin/python -m tests.support.builders.naming_tables`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from providers.bigcommerce.rules import ASSIGNMENTS, RULES, VERB_RANKS, Rule
from providers.github.events import RULES as RULES_OF_GITHUB
from providers.github.rule import Rule as GitHubRule
from providers.reading import topic_name
from providers.shopify.identities import identities
from providers.stripe.names import PREVIEWS, SINGLETONS, WITHIN, WITHOUT_ID
from providers.stripe.ranks import EVENT_RANKS, RANKS, Ranks
from schemas.records import CREATION
from tests.support.builders.decision_cases import DOCUMENT

__all__ = ["BEGIN", "DOCUMENT", "END", "REMAKE", "table", "with_table"]

BEGIN = "<!-- from the rules in providers/: begin -->"
END = "<!-- from the rules in providers/: end -->"
REMAKE = ".venv/bin/python -m tests.support.builders.naming_tables"
_GITHUB_WORDS = {
    "@repository": "the repository",
    "@owner": "the owner",
    "@target": "what the hook is of",
    "@delivery": "each delivery",
}
_WORDS = {"@channel": "the channel", "@store": "the store", "@any": "nothing"}


def table() -> str:
    """Return all tables as Markdown."""
    parts = (
        *("**Shopify**\n", *_shopify()),
        *("\n**GitHub**\n", *_github()),
        *("\n**Stripe**\n", *_stripe()),
        *("\n**BigCommerce**\n", *_bigcommerce()),
    )
    return "\n".join(parts)


def with_table(text: str) -> str:
    """Return the text of docs/semantics.md with today's tables between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _shopify() -> Iterable[str]:
    yield "| Resource | Named by | Ordered by |"
    yield "|---|---|---|"
    for row in identities():
        yield f"| `{row.resource_type}` | {row.named_by} | {row.ordered_by} |"


def _github() -> Iterable[str]:
    yield "| Resource | Events | Named by | Ordered by |"
    yield "|---|---|---|---|"
    events: Mapping[tuple[str, str, str], list[str]] = defaultdict(list)
    for event, rule in RULES_OF_GITHUB.items():
        for part in (rule, *rule.beside):
            events[part.resource_type, _github_names(part), _github_order(part)].append(event)
    for resource_type, names, order in sorted(events):
        shown = " ".join(map(_code, events[resource_type, names, order]))
        yield f"| `{resource_type}` | {shown} | {names} | {order} |"


def _github_names(rule: GitHubRule) -> str:
    names = ", ".join(_GITHUB_WORDS.get(path) or _code(path) for path in rule.ids)
    return names if rule.or_else is None else f"{names}; else {_github_names(rule.or_else)}"


def _github_order(rule: GitHubRule) -> str:
    times = [*((rule.version,) if rule.version else ()), *rule.times]
    if rule.newest_of is not None:
        times.append(f"{rule.newest_of[0]}[].{rule.newest_of[1]}")
    rank = [] if rule.rank is None else ["rank"]
    return ", else ".join([*map(_code, times), "arrival"][: max(1, len(times))]) + (", with rank" if rank else "")


def _stripe() -> Iterable[str]:
    yield "| Resource | Named by | Of one second, from first to last |"
    yield "|---|---|---|"
    for object_type in sorted({*WITHOUT_ID, *WITHIN, *SINGLETONS, *RANKS}):
        resource = topic_name(object_type)
        yield f"| `{resource}` | {_stripe_names(object_type)} | {_stages(RANKS.get(object_type))} |"
    yield f"| every other | `id` | {_code('*.created')}, then arrival |"
    rows = ((event, rank) for event, rank in EVENT_RANKS.items())
    early = ", ".join(_code(event) for event, rank in rows if rank <= CREATION)
    late = ", ".join(_code(event) for event, rank in EVENT_RANKS.items() if rank > CREATION)
    yield f"\n{_code('*.created')} comes first for every resource, as do {early}; {late} comes last."
    previews = ", ".join(f"{_code(resource)} ({_code(event)})" for event, resource in PREVIEWS.items())
    yield f"A preview is no document of the later resource: {previews}. A thin event is about `v1_…` or `v2_…`, named by"
    yield "`related_object.id`, where that is not enough with its owner in `related_object.url`; without an id, it is an"
    yield "occurrence, unless the account has one such object only."


def _stripe_names(object_type: str) -> str:
    if object_type in SINGLETONS:
        return "the account"
    if object_type in WITHIN:
        return f"`{WITHIN[object_type]}`, `id`"
    alternatives = [", ".join(map(_code, paths)) for paths in WITHOUT_ID.get(object_type, ())]
    return " or ".join(("`id`", *alternatives))


def _stages(ranks: Ranks | None) -> str:
    if ranks is None:
        return "arrival"
    stages: Mapping[int, list[str]] = defaultdict(list)
    for field, states in ranks.states.items():
        for state, rank in states.items():
            stages[rank].append(_code(state if field == "status" else f"{field}: {state}"))
    for field, rank in ranks.reached.items():
        stages[rank].append(_code(field))
    return " → ".join(" ".join(stages[rank]) for rank in sorted(stages))


def _bigcommerce() -> Iterable[str]:
    yield "| Resource | Scopes | Named by | Root |"
    yield "|---|---|---|---|"
    families: Mapping[Rule, list[str]] = defaultdict(list)
    for family, rule in RULES.items():
        families[rule].append(f"{family}/*")
    for family, rule in ASSIGNMENTS.items():
        families[rule].append(f"{family}/(un)assigned")
    for rule in sorted(families, key=lambda each: each.resource_type):
        root = f"`{rule.parent[0]}`" if rule.parent else ""
        scopes = " ".join(map(_code, families[rule]))
        yield f"| `{rule.resource_type}` | {scopes} | {', '.join(map(_alternatives, rule.ids))} | {root} |"
    yield "| `metafield` | `*/metafield/*` | `resource_type` or the scope, `resource_id`, `metafield_id` | its owner |"
    yield "| every other | | the channel, `id` | |"
    order = {verb: "first" if rank < 0 else "last" for verb, rank in VERB_RANKS.items()}
    verbs = ", ".join(f"{_code(verb)} is the {place}" for verb, place in order.items())
    yield f"\nOf one second {verbs}, a deletion the very last; else arrival decides."


def _alternatives(ids: str) -> str:
    return " or ".join(_WORDS.get(path) or _code(path) for path in ids.split("|"))


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
