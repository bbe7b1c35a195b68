"""The plan: a pure function of what is desired and what is there, which says of every hook what is to do and why.

Only hooks below `public_url` are ours. What another program registered is never touched; ours that nobody wants go only with
`prune`. What is left of an interrupted replacement goes at once: nothing of it is needed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from providers.api import Failure
from providers.hooks import HOOK_RULES, Hook, Wish
from subscriptions.desired import Desired
from subscriptions.ownership import is_below, is_same, source_of

Verb = Literal["create", "replace", "update", "delete"]
Reason = Literal[
    "missing", "disabled", "wrong_version", "wrong_topics", "wrong_filter", "secret_unknown", "unwanted", "superseded",
    "duplicate",
]  # fmt: skip
Verdict = Literal["right", "foreign", "other_source", "unwanted", "duplicate"]
REPAIRED: Final[frozenset[Reason]] = frozenset({"missing", "disabled"})
"""What `penstock subscribe repair` mends: registrations that vanished or were switched off."""


class Action(Struct, frozen=True):
    """One thing to do. `secret_file` is where a new secret goes, "" for none; `blocked` why it cannot be done, "" if it can."""

    verb: Verb
    reasons: tuple[Reason, ...]
    detail: str
    wish: Wish | None = None
    hook: Hook | None = None
    secret_file: str = ""
    blocked: str = ""


class Untouched(Struct, frozen=True):
    """A hook with which nothing is done, and why."""

    verdict: Verdict
    hook: Hook


class AccountPlan(Struct, frozen=True):
    """What is to do at one account. `failures` say why a place could not be looked at: there nothing is done."""

    desired: Desired
    actions: tuple[Action, ...] = ()
    untouched: tuple[Untouched, ...] = ()
    failures: Mapping[str, str] = {}


class Plan(Struct, frozen=True):
    """What is to do at all accounts."""

    accounts: tuple[AccountPlan, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """Return everything that is to do."""
        return tuple(action for account in self.accounts for action in account.actions)

    @property
    def failures(self) -> int:
        """Return how many places could not be looked at."""
        return sum(len(account.failures) for account in self.accounts)

    @property
    def digest(self) -> str:
        """Return what names this plan: equal plans have equal digests."""
        told = [(one.desired.source, one.desired.tenant, one.actions) for one in self.accounts if one.actions]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:12]


class Secrets(Struct, frozen=True):
    """What is known of a source's secrets, by fingerprint: those it has, the one that signs first; and those of hooks by key.

    `free_files` are files of the source that have no secret yet.
    """

    fingerprints: tuple[str, ...] = ()
    of_hooks: Mapping[str, str] = {}
    free_files: tuple[str, ...] = ()


class Found(Struct, frozen=True):
    """What is there: the hooks of each place of an account, or why they are not known."""

    places: Mapping[str, tuple[Hook, ...] | Failure]


class Options(Struct, frozen=True):
    """How to plan. `sources` are the names of all configured sources: a hook of another one is left to that one."""

    public_url: str
    sources: frozenset[str]
    prune: bool = False


def hook_key(desired: Desired, hook: Hook) -> str:
    """Return what names a hook in our own notes."""
    return f"{desired.provider}|{desired.source}|{desired.tenant}|{hook.place}|{hook.id}"


def plan(
    wanted: Sequence[Desired], found: Mapping[int, Found], secrets: Mapping[str, Secrets], options: Options
) -> Plan:
    """Return what is to do; `found` is by position in `wanted`, `secrets` by source."""
    free = {source: list(known.free_files) for source, known in secrets.items()}
    accounts = []
    for index, one in enumerate(wanted):
        known = secrets.get(one.source, Secrets())
        account = _account(one, found.get(index, Found({})), known, options)
        actions = _with_files(account.actions, one.provider, known, free.get(one.source, []))
        accounts.append(replace(account, actions=actions))
    return Plan(tuple(accounts))


def repairs(chosen: Plan) -> Plan:
    """Return the part of a plan that mends what vanished or was switched off; nothing is replaced or deleted for it."""
    return Plan(
        tuple(
            replace(account, actions=tuple(each for action in account.actions if (each := _repair(action)) is not None))
            for account in chosen.accounts
        )
    )


def _repair(action: Action) -> Action | None:
    """Return what of an action is a repair, None if nothing is. What was made and never activated is no hook to activate."""
    if REPAIRED.isdisjoint(action.reasons):
        return None
    if action.verb != "replace" or action.hook is None or action.wish is None:
        return action
    if action.hook.is_unfinished:
        return None
    as_is = replace(action.wish, url=action.hook.url, topics=action.hook.topics)
    return Action("update", ("disabled",), action.hook.state_detail or "switched off", as_is, action.hook)


def _account(desired: Desired, found: Found, known: Secrets, options: Options) -> AccountPlan:
    actions: list[Action] = []
    untouched: list[Untouched] = []
    failures: dict[str, str] = {}
    for place, hooks in found.places.items():
        if not isinstance(hooks, tuple):
            failures[place] = hooks.detail
            continue
        wishes = [wish for wish in desired.wishes if wish.place == place]
        for step in _place(desired, wishes, hooks, known, options):
            (actions if isinstance(step, Action) else untouched).append(step)  # type: ignore[arg-type]  # each to its list
    return AccountPlan(desired, tuple(actions), tuple(untouched), failures)


def _place(
    desired: Desired, wishes: Sequence[Wish], hooks: Sequence[Hook], known: Secrets, options: Options
) -> Iterator[Action | Untouched]:
    """Yield what is to do at one place, and what is left alone."""
    left = {hook.id: hook for hook in hooks}
    for wish in wishes:
        answering = [hook for hook in left.values() if _answers(hook, wish, desired.provider)]
        for hook in answering:
            del left[hook.id]
        if not answering:
            yield Action("create", ("missing",), "none of our hooks sends it", wish)
            continue
        # The best one stays: the one with the least to mend, of equal ones the oldest.
        mended = [(hook, _mended(desired, hook, wish, known, options)) for hook in answering]
        mended.sort(key=lambda pair: (_harm(pair[1]), len(pair[0].id), pair[0].id))
        (best, action), *others = mended
        yield action or Untouched("right", best)
        for hook, its_action in others:
            yield _surplus(hook, its_action, options)
    for hook in left.values():
        yield _unanswered(desired, hook, options)


def _answers(hook: Hook, wish: Wish, provider: str) -> bool:
    if not is_same(wish.url, hook.url):
        return False
    return not HOOK_RULES[provider].is_per_topic or hook.topics == wish.topics


def _mended(desired: Desired, hook: Hook, wish: Wish, known: Secrets, options: Options) -> Action | None:
    """Return what makes a hook right, None if it is."""
    rules = HOOK_RULES[desired.provider]
    faults: dict[Reason, str] = {}
    if rules.has_version and wish.api_version and hook.api_version != wish.api_version:
        faults["wrong_version"] = f"is of {hook.api_version or 'the default version'}, wanted is {wish.api_version}"
    unknown = _secret_fault(desired, hook, known)
    if unknown:
        faults["secret_unknown"] = unknown
    topics = _topics(hook, wish, options)
    if hook.is_unfinished or set(topics) != set(hook.topics):
        faults["wrong_topics"] = _topics_detail(hook, topics)
    if hook.filter or hook.fields:
        faults["wrong_filter"] = "sends only a part: it has a filter or a selection of fields"
    if hook.state != "active":
        faults["disabled"] = hook.state_detail or "switched off"
    if not faults:
        return None
    # A version cannot be changed, and of a secret that the provider made nothing but a new hook brings another.
    is_new = "wrong_version" in faults or (rules.secret == "theirs" and "secret_unknown" in faults)  # noqa: S105  no password
    detail = "; ".join(faults.values())
    url = _other_spelling(hook.url, wish.url) if is_new and rules.is_unique else wish.url
    return Action("replace" if is_new else "update", tuple(faults), detail, replace(wish, url=url, topics=topics), hook)


def _other_spelling(taken: str, url: str) -> str:
    """Return an address of the same path that is not taken: with a slash at its end, or without one."""
    return url if taken.endswith("/") else f"{url}/"


def _topics(hook: Hook, wish: Wish, options: Options) -> tuple[str, ...]:
    """Return the topics that a hook should have: what somebody added stays, unless it is pruned."""
    if hook.is_unfinished or options.prune or "*" in wish.topics:
        return wish.topics
    if "*" in hook.topics:
        return hook.topics
    return tuple(sorted({*wish.topics, *hook.topics}))


def _topics_detail(hook: Hook, topics: Sequence[str]) -> str:
    if hook.is_unfinished:
        return "was made and never activated"
    more, less = sorted(set(topics) - set(hook.topics)), sorted(set(hook.topics) - set(topics))
    words = [f"{word} {', '.join(names)}" for word, names in (("lacks", more), ("has besides", less)) if names]
    return "; ".join(words)


def _secret_fault(desired: Desired, hook: Hook, known: Secrets) -> str:
    """Return why a hook's secret is not known to be one of the source's, "" if it is, or if it cannot be told."""
    noted = hook.mark or known.of_hooks.get(hook_key(desired, hook), "")
    match HOOK_RULES[desired.provider].secret:
        case "none":
            return ""
        case "ours":
            if not hook.has_secret:
                return "signs nothing: its secret was removed"
            if known.fingerprints and noted == known.fingerprints[0]:
                return ""
            is_old = noted in known.fingerprints
            return "signs with an older secret" if is_old else "whether its secret is this source's is not known"
        case "theirs":
            if not noted:  # made by hand: its secret may have been entered by hand, and none can be asked for
                return "" if known.fingerprints and not hook.is_unfinished else "nobody has its secret"
            return "" if noted in known.fingerprints else "its secret is none of this source's"


def _harm(action: Action | None) -> int:
    if action is None:
        return 0
    return len(action.reasons) + (10 if action.verb == "replace" else 0)


def _surplus(hook: Hook, action: Action | None, options: Options) -> Action | Untouched:
    """Return what becomes of a hook beside a better one of the same address."""
    if action is not None and action.verb == "replace":
        return Action("delete", ("superseded",), f"another hook took its place; {action.detail}", hook=hook)
    if options.prune:
        return Action("delete", ("duplicate",), "another hook sends the same", hook=hook)
    return Untouched("duplicate", hook)


def _unanswered(desired: Desired, hook: Hook, options: Options) -> Action | Untouched:
    """Return what becomes of a hook that no wish asks for."""
    if not is_below(options.public_url, hook.url):
        return Untouched("foreign", hook)
    source = source_of(options.public_url, hook.url)
    if source is not None and source != desired.source and source in options.sources:
        return Untouched("other_source", hook)
    if options.prune:
        return Action("delete", ("unwanted",), "ours, and nothing wants it", hook=hook)
    return Untouched("unwanted", hook)


def _with_files(actions: Sequence[Action], provider: str, known: Secrets, free: list[str]) -> tuple[Action, ...]:
    """Return the actions with the files that new secrets go to; each secret that a provider makes takes one of `free`."""
    rule = HOOK_RULES[provider].secret if provider in HOOK_RULES else "none"
    filed = []
    for action in actions:
        is_new = action.verb in ("create", "replace")
        if action.verb == "delete" or rule == "none" or (rule == "ours" and known.fingerprints) or (
            rule == "theirs" and not is_new
        ):  # fmt: skip
            filed.append(action)
        elif not free:
            text = "its secret has nowhere to go: add `file:PATH` of a file that does not exist yet to the source's secrets"
            filed.append(replace(action, blocked=text))
        else:
            filed.append(replace(action, secret_file=free.pop(0) if rule == "theirs" else free[0]))
    return tuple(filed)
