"""The plan: what is desired times what is there."""

import pytest
from msgspec.structs import replace

from providers.api import Unauthorised
from providers.hooks import Hook, Wish
from subscriptions.desired import Desired
from subscriptions.plan import Action, Found, Options, Plan, Secrets, Untouched, plan, repairs

BASE = "https://hooks.example.com"
URL = f"{BASE}/v1/acme"
WISH = Wish(URL, ("store/order/*",))
HOOK = Hook("7", URL, ("store/order/*",))
DESIRED = Desired("acme", "bigcommerce", "abc123", URL, (WISH,))


def planned(*hooks: Hook, prune: bool = False, wanted: Desired = DESIRED, known: Secrets | None = None) -> Plan:
    """Return the plan for these hooks at the one place of the account."""
    options = Options(BASE, frozenset({"acme", "other"}), prune)
    return plan([wanted], {0: Found({"": hooks})}, {"acme": known or Secrets()}, options)


def verdicts(made: Plan) -> list[str]:
    """Return what is said of the hooks that nothing is done with."""
    return [each.verdict for each in made.accounts[0].untouched]


def told(made: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """Return the actions and their reasons."""
    return [(action.verb, action.reasons) for action in made.actions]


def test_empty_provider_gets_what_is_wanted() -> None:
    """Each wish becomes a hook."""
    assert told(planned()) == [("create", ("missing",))]


def test_right_provider_has_nothing_to_do() -> None:
    """A slash at the end makes no other address."""
    assert planned(HOOK).actions == ()
    assert planned(replace(HOOK, url=f"{URL}/")).actions == ()


def test_disabled_hook_is_activated() -> None:
    """With what the provider says of it."""
    (action,) = planned(replace(HOOK, state="disabled", state_detail="deactivated")).actions
    assert (action.verb, action.reasons, action.detail) == ("update", ("disabled",), "deactivated")


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("url", ["https://else.example/v1/acme", f"{BASE}.evil.test/v1/acme", f"{BASE}:8443/v1/acme"])
def test_foreign_hook_is_never_touched(url: str, prune: bool) -> None:
    """Not even one that sends the same, with or without --prune."""
    made = planned(HOOK, replace(HOOK, id="1", url=url), prune=prune)
    assert made.actions == ()
    assert "foreign" in verdicts(made)


def test_hook_of_another_source_is_left_to_that_one() -> None:
    """Two sources may share an account; --prune of one must not delete what the other wants."""
    made = planned(HOOK, replace(HOOK, id="1", url=f"{BASE}/v1/other"), prune=True)
    assert made.actions == ()
    assert verdicts(made) == ["right", "other_source"]


@pytest.mark.parametrize("hook", [
    replace(HOOK, id="1", topics=("store/cart/*",)),
    replace(HOOK, id="1", url=f"{BASE}/v1/removed"),
    replace(HOOK, id="1", url=f"{URL}?old=1"),
])  # fmt: skip
def test_ours_that_nobody_wants_goes_only_with_prune(hook: Hook) -> None:
    """Another topic, a source that is gone, another query."""
    assert verdicts(planned(HOOK, hook)) == ["right", "unwanted"]
    assert told(planned(HOOK, hook, prune=True)) == [("delete", ("unwanted",))]


def test_second_equal_hook_is_a_duplicate() -> None:
    """The oldest stays."""
    second = replace(HOOK, id="10")
    assert verdicts(planned(second, HOOK)) == ["right", "duplicate"]
    (action,) = planned(second, HOOK, prune=True).actions
    assert (action.verb, action.hook) == ("delete", second)


def test_place_that_cannot_be_read_gets_nothing() -> None:
    """A failed listing is no empty one: nothing would be known to be missing."""
    options = Options(BASE, frozenset({"acme"}), prune=True)
    made = plan([DESIRED], {0: Found({"": Unauthorised("status 401")})}, {}, options)
    assert made.actions == ()
    assert made.failures == 1


def test_plans_differ_in_their_digest() -> None:
    """What is to be done to which hook counts, not what is left alone."""
    disabled = replace(HOOK, state="disabled")
    foreign = replace(HOOK, id="1", url="https://else.example/")
    assert planned(disabled).digest == planned(disabled, foreign).digest
    assert planned(disabled).digest != planned(replace(disabled, id="8")).digest
    assert planned().digest != planned(disabled).digest


def test_repair_leaves_the_rest() -> None:
    """Only what vanished or was switched off."""
    wanted = replace(DESIRED, wishes=(WISH, Wish(URL, ("store/cart/*",))))
    made = planned(HOOK, replace(HOOK, id="9", url=f"{BASE}/v1/removed"), wanted=wanted, prune=True)
    assert told(repairs(made)) == [("create", ("missing",))]


def test_repair_replaces_nothing() -> None:
    """A hook that is switched off and of another version is activated as it is; one that was never activated is left alone."""
    wish = Wish(URL, ("*",), api_version="2026-06-24.dahlia")
    wanted = replace(DESIRED, provider="stripe", wishes=(wish,))
    old = Hook("we_1", URL, ("invoice.paid",), state="disabled", api_version="2024-06-20")
    known = Secrets(("mark",), free_files=("new.secret",))

    made = planned(replace(old, mark="mark"), wanted=wanted, known=known)
    assert [action.verb for action in made.actions] == ["replace"]
    (action,) = repairs(made).actions
    assert (action.verb, action.reasons, action.secret_file) == ("update", ("disabled",), "")
    assert action.wish is not None
    assert action.wish.topics == ("invoice.paid",)
    assert repairs(planned(replace(old, is_unfinished=True), wanted=wanted, known=known)).actions == ()


def test_every_hook_has_one_place_in_the_plan() -> None:
    """Nothing is forgotten, and nothing is named twice."""
    hooks = [
        replace(HOOK, id=str(number), url=url) for number, url in enumerate([URL, URL, f"{BASE}/x", "https://e.test"])
    ]
    made = planned(*hooks, prune=True)
    named = [action.hook.id for action in made.actions if action.hook is not None]
    named += [each.hook.id for each in made.accounts[0].untouched]
    assert sorted(named) == ["0", "1", "2", "3"]
    assert {type(each) for each in made.accounts[0].untouched} == {Untouched}
    assert {type(each) for each in made.actions} == {Action}
