"""Shows plans of `penstock subscribe` and what became of them, for people and as JSON. No secret or token is in either."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from console.abridged import cut, listed
from console.screen import Screen, messages, results
from local.screen import output_json
from subscriptions.apply import Applied
from subscriptions.desired import Desired
from subscriptions.ownership import shown_url
from subscriptions.plan import AccountPlan, Action, Plan, Untouched, Verb, Verdict

SIGNS: Final[dict[Verb, str]] = {"create": "+", "replace": "±", "update": "~", "delete": "-"}
STYLES: Final[dict[Verb, str]] = {"create": "green", "replace": "yellow", "update": "yellow", "delete": "red"}
WORDS: Final[dict[Verdict, str]] = {
    "right": "right",
    "foreign": "foreign, untouched",
    "other_source": "of another source",
    "unwanted": "ours, but nothing wants them (--prune deletes them)",
    "duplicate": "send what another one sends (--prune deletes them)",
}
NAMED: Final = frozenset({"foreign", "unwanted", "duplicate"})  # verdicts of which addresses are shown


def print_plan(plan: Plan, *, as_json: bool, how: str) -> None:
    """Print a plan; `how` says what to do with it."""
    if as_json:
        for account in plan.accounts:
            for fields in _records(account):
                output_json(msgspec.json.encode(fields).decode())
        summary = {"kind": "plan", "digest": plan.digest, "to_do": len(plan.actions), "unread": plan.failures}
        output_json(msgspec.json.encode(summary).decode())
        return
    screen = results()
    for account in plan.accounts:
        _print_account(screen, account)
    screen.line(_summary(plan, how), style="bold")


def print_changed(plan: Plan, *, as_json: bool) -> None:
    """Print the plan that came in place of the one that was to be applied."""
    if not as_json:
        messages().line("What the providers show has changed. Nothing was done. The plan is now:", style="yellow")
    print_plan(plan, as_json=as_json, how="")


def print_applied(applied: Applied, *, as_json: bool) -> None:
    """Print what became of one action."""
    if as_json:
        fields = {**_action(applied.desired, applied.action), "kind": "applied", "outcome": applied.outcome}
        output_json(msgspec.json.encode({**fields, "why": applied.detail}).decode())
        return
    where = f"{_account_name(applied.desired)}  {applied.action.verb}  {_what(applied.action)}"
    detail = f": {applied.detail}" if applied.detail else ""
    style = "green" if applied.outcome == "done" else "red"
    results().line((f"{applied.outcome:<8}", style), f" {where}{detail}")


def _print_account(screen: Screen, account: AccountPlan) -> None:
    screen.line(f"{_account_name(account.desired)}  {account.desired.url}", style="bold")
    if account.desired.absence is not None:
        screen.line(f"    {_absence(account.desired)}", style="dim")
        return
    for place, why in account.failures.items():
        screen.line(f"  ! {f'{place}: ' if place else ''}cannot be read: {why}", style="red")
    for action in account.actions:
        detail = f"{', '.join(action.reasons)}: {action.detail}"
        screen.line((f"  {SIGNS[action.verb]} {action.verb:<7}  ", STYLES[action.verb]), f"{_what(action)}  {detail}")
        for note in _notes(action):
            screen.line(f"             {note}", style="yellow" if action.blocked else "dim")
    _print_untouched(screen, account)
    for said in sorted({_failing(each) for each in account.untouched if each.verdict == "right"} - {""}):
        screen.line(f"    {said}", style="yellow")
    if account.desired.advice:
        screen.line(f"    {account.desired.advice}", style="yellow")


def _print_untouched(screen: Screen, account: AccountPlan) -> None:
    for verdict, words in WORDS.items():
        found = [each.hook for each in account.untouched if each.verdict == verdict]
        if not found:
            continue
        whose = "foreign" if verdict == "foreign" else "ours"
        urls = sorted({f"{cut(shown_url(hook.url, whose))}" for hook in found}) if verdict in NAMED else []  # type: ignore[arg-type]  # one of both
        screen.line(f"  = {len(found):,} {words}{f': {listed(urls)}' if urls else ''}", style="dim")


def _failing(untouched: Untouched) -> str:
    """Return what the provider says of a hook that is right and does not get through, "" for nothing."""
    hook = untouched.hook
    return f"failing: {f'{hook.place}: ' if hook.place else ''}{hook.state_detail}" if hook.state_detail else ""


def _summary(plan: Plan, how: str) -> str:
    unread = f"; {plan.failures:,} could not be read" if plan.failures else ""
    if not plan.actions:
        return f"nothing to do{unread}"
    counts = {verb: sum(action.verb == verb for action in plan.actions) for verb in SIGNS}
    words = ", ".join(f"{count:,} to {verb}" for verb, count in counts.items() if count)
    return f"plan {plan.digest}: {words}{unread}{f'; {how}' if how else ''}"


def _absence(desired: Desired) -> str:
    match desired.absence:
        case "never":
            return 'nothing is registered: subscribe = "never"'
        case "by_hand":
            return f"by hand: {desired.advice}"
        case _:
            return f"nothing can be registered: {desired.advice}"


def _notes(action: Action) -> Iterator[str]:
    if action.blocked:
        yield f"cannot be done: {action.blocked}"
    if action.secret_file:
        yield f"its secret goes to {action.secret_file}"


def _what(action: Action) -> str:
    topics = action.wish.topics if action.wish is not None else action.hook.topics if action.hook is not None else ()
    place = action.wish.place if action.wish is not None else action.hook.place if action.hook is not None else ""
    return f"{f'{place} ' if place else ''}{cut(listed(topics))}"


def _account_name(desired: Desired) -> str:
    return f"{desired.source} · {desired.tenant}" if desired.tenant else desired.source


def _records(account: AccountPlan) -> Iterator[dict[str, Any]]:
    one = account.desired
    base = {"source": one.source, "provider": one.provider, "tenant": one.tenant, "url": one.url}
    yield {"kind": "account", **base, "absence": one.absence, "advice": one.advice, "wanted": len(one.wishes)}
    for place, why in account.failures.items():
        yield {"kind": "unread", **base, "place": place, "why": why}
    for action in account.actions:
        yield {"kind": "action", **_action(one, action)}
    for each in account.untouched:
        yield {"kind": "untouched", **base, "verdict": each.verdict, **_hook(each)}


def _action(desired: Desired, action: Action) -> dict[str, Any]:
    wish, hook = action.wish, action.hook
    return {
        "source": desired.source,
        "provider": desired.provider,
        "tenant": desired.tenant,
        "verb": action.verb,
        "reasons": action.reasons,
        "detail": action.detail,
        "place": wish.place if wish else hook.place if hook else "",
        "topics": wish.topics if wish else hook.topics if hook else (),
        "url": wish.url if wish else shown_url(hook.url, "ours") if hook else "",
        "api_version": wish.api_version if wish else None,
        "hook_id": hook.id if hook else None,
        "secret_file": action.secret_file or None,
        "blocked": action.blocked or None,
    }


def _hook(untouched: Untouched) -> dict[str, Any]:
    hook = untouched.hook
    return {
        "hook_id": hook.id,
        "hook_url": shown_url(hook.url, "foreign" if untouched.verdict == "foreign" else "ours"),
        "place": hook.place,
        "topics": hook.topics,
        "state": hook.state,
        "state_detail": hook.state_detail,
        "api_version": hook.api_version,
    }
