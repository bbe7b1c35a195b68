"""`penstock subscribe` at BigCommerce: against a fake of its API, over HTTP."""

from typing import Any

import pytest

from schemas.records import Document
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.hooks import deactivate
from simulator.providers.bigcommerce.routes import bigcommerce_app
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import PUBLIC, Subscribe, of_kind

STORE, TOKEN = "abc123", "made-up-token"
URL = f"{PUBLIC}/v1/stores"
SCOPES = ["store/cart/*", "store/order/*", "store/product/*"]
FOREIGN = "https://chat.example/services/T0/secret-path?key=secret-query"


class Shown:
    """The fake as `FakeApi` shows it."""

    def __init__(self, fake: FakeBigCommerce) -> None:
        self.app, self.faults = bigcommerce_app(fake), fake.faults
        self.fake = fake

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "faults" and hasattr(self, "fake"):
            self.fake.faults = value


@pytest.fixture
def fake(served: FakeApi, subscribe: Subscribe) -> FakeBigCommerce:
    """Serve one store, and configure it."""
    made = FakeBigCommerce()
    made.add_store(STORE, TOKEN)
    served.show(Shown(made))
    subscribe.configure(configuration(served))
    return made


def configuration(served: FakeApi, scopes: list[str] | None = None) -> str:
    """Return a source with these scopes; its secret, which is the app's, is not needed to register."""
    return (
        f'[[sources]]\nname = "stores"\nprovider = "bigcommerce"\nsecrets = ["env:NOT_SET_HERE"]\napi_url = "{served.url}"\n'
        f'api_tokens = {{ {STORE} = "text:{TOKEN}" }}\nsubscribe = {scopes or SCOPES}\n'
    )


def hooks(fake: FakeBigCommerce) -> list[tuple[str, str, bool]]:
    """Return the scope, address and state of all hooks."""
    return sorted((hook["scope"], hook["destination"], hook["is_active"]) for hook in fake.hooks.all(STORE))


def add(fake: FakeBigCommerce, scope: str, url: str = URL) -> Document:
    """Register a hook as another program does."""
    return fake.hooks.add(STORE, lambda number: {
        "id": number, "scope": scope, "destination": url, "headers": {"authorization": "secret-header"}, "is_active": True,
        "status": "active",
    })  # fmt: skip


RIGHT = [(scope, URL, True) for scope in SCOPES]


def test_empty_store_gets_every_hook(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """The plan says so with exit code 3 and does nothing; apply does it; then there is nothing to do."""
    assert subscribe("plan") == 3
    assert "+ create   store/cart/*  missing" in subscribe.printed
    assert "3 to create" in subscribe.printed
    assert hooks(fake) == []

    assert subscribe("apply", "--yes") == 0
    assert hooks(fake) == RIGHT

    assert subscribe("plan") == 0
    assert subscribe.printed.splitlines()[-1] == "nothing to do"


def test_usual_scopes_are_registered_without_a_list(
    fake: FakeBigCommerce, subscribe: Subscribe, served: FakeApi
) -> None:
    """Without routes all that can be read; with a route its resource alone."""
    auto = configuration(served).replace(f"subscribe = {SCOPES}\n", "")
    subscribe.configure(auto)
    assert {record["topics"][0] for record in of_kind(subscribe.records("plan"), "action")} >= set(SCOPES)

    subscribe.configure(f'{auto}[[routes]]\nname = "r"\nresource = "order"\n')
    assert [record["topics"] for record in of_kind(subscribe.records("plan"), "action")] == [["store/order/*"]]


@pytest.mark.parametrize("is_bare", [False, True])
def test_disabled_hook_is_repaired(fake: FakeBigCommerce, subscribe: Subscribe, is_bare: bool) -> None:
    """Whether replies have `data` or are bare, as BigCommerce documents both; a vanished one is made anew."""
    fake.has_bare_hooks = is_bare
    subscribe("apply", "--yes")
    first, second, _ = fake.hooks.all(STORE)
    deactivate(fake, STORE, first["id"])
    fake.hooks.vanish(STORE, str(second["id"]))

    assert subscribe("plan") == 3
    assert "~ update   store/cart/*  disabled: deactivated" in subscribe.printed

    assert subscribe("repair", "--yes") == 0
    assert hooks(fake) == RIGHT
    assert first["id"] in {hook["id"] for hook in fake.hooks.all(STORE)}


def test_foreign_hooks_are_untouched_and_not_shown(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """Their path, query and headers may be passwords; --prune deletes only what is ours."""
    add(fake, "store/order/*", FOREIGN)
    add(fake, "store/sku/*")

    assert subscribe("apply", "--yes", "--prune") == 0
    assert hooks(fake) == sorted([*RIGHT, ("store/order/*", FOREIGN, True)])
    assert "1 foreign, untouched: https://chat.example/…" in subscribe.printed
    shown = subscribe.printed
    for command in ("plan", "apply", "repair"):
        subscribe(command, "--json")
        shown += subscribe.printed
    assert "secret-" not in shown
    assert TOKEN not in shown


def test_unwanted_hook_stays_without_prune(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """It is named, and exit code 0 says that nothing has to be done."""
    subscribe("apply", "--yes")
    add(fake, "store/sku/*")

    assert subscribe("plan") == 0
    assert "ours, but nothing wants them" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert ("store/sku/*", URL, True) in hooks(fake)
    assert subscribe("plan", "--prune") == 3


def test_all_pages_are_read(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """Ours may be on the second one; taken for missing, they would be made twice."""
    for number in range(300):
        add(fake, "store/order/*", f"https://else.example/{number}")
    subscribe("apply", "--yes")

    assert subscribe("plan") == 0


@pytest.mark.parametrize("fault", ["reset", "torn", "error", "unavailable", "throttled"])
def test_apply_goes_on_after_any_request(fake: FakeBigCommerce, subscribe: Subscribe, fault: Any) -> None:
    """Whichever request fails, before or after it was carried out: the next run ends where an undisturbed one does."""
    for number in range(4, 12):  # the first three are the plan's
        for hook in fake.hooks.all(STORE):
            fake.hooks.vanish(STORE, str(hook["id"]))
        disabled = add(fake, SCOPES[0])
        deactivate(fake, STORE, disabled["id"])
        add(fake, "store/sku/*")
        add(fake, "store/order/*", FOREIGN)
        fake.faults.next(*[None] * number, fault)

        assert subscribe("apply", "--yes", "--prune") in (0, 1)
        fake.faults.heal()
        assert subscribe("apply", "--yes", "--prune") == 0
        assert hooks(fake) == sorted([*RIGHT, ("store/order/*", FOREIGN, True)])


def test_nothing_is_deleted_after_a_failure(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """Creation comes before deletion, so a failed creation ends the account's run; what is left says so."""
    add(fake, "store/sku/*")
    fake.faults.next(None, None, None, None, "error")

    assert subscribe("apply", "--yes", "--prune") == 1
    assert "failed" in subscribe.printed
    assert "skipped" in subscribe.printed
    assert hooks(fake) == [("store/sku/*", URL, True)]


def test_blocked_domain_is_named(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """The hooks are right and nothing comes: BigCommerce blocks an address of which too much fails."""
    subscribe("apply", "--yes")
    fake.blocked_domains = ["else.example", "hooks.example.com"]

    assert subscribe("plan") == 0
    assert subscribe.printed.count("failing: BigCommerce sends nothing to its domain") == 1


def test_unreadable_account_fails_and_changes_nothing(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """A listing that failed is no empty one."""
    fake.faults.has_expired_token = True

    assert subscribe("plan") == 1
    assert "cannot be read: status 401" in subscribe.printed
    assert TOKEN not in subscribe.printed
    fake.faults.has_expired_token = False
    fake.faults.next("error")
    assert subscribe("apply", "--yes", "--prune") == 1
    assert hooks(fake) == []


def test_another_plan_is_refused(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """What was shown is done, or nothing is."""
    (summary,) = of_kind(subscribe.records("plan"), "plan")
    add(fake, SCOPES[0])

    assert subscribe("apply", "--plan", summary["digest"]) == 1
    assert "Nothing was done" in subscribe.printed
    assert len(hooks(fake)) == 1

    (summary,) = of_kind(subscribe.records("plan"), "plan")
    assert subscribe("apply", "--plan", summary["digest"]) == 0
    assert hooks(fake) == RIGHT


def test_change_while_the_person_reads_is_noticed(
    fake: FakeBigCommerce, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the shown plan and the answer somebody else registered a hook."""

    def agree(_question: str) -> bool:
        add(fake, SCOPES[0])
        return True

    monkeypatch.setattr("console.screen.is_agreed", agree)
    assert subscribe("apply") == 1
    assert "The plan is now" in subscribe.printed
    assert len(hooks(fake)) == 1


def test_json_has_every_hook(fake: FakeBigCommerce, subscribe: Subscribe) -> None:
    """Each is an action or untouched; the last line is the sum."""
    add(fake, SCOPES[0])
    add(fake, "store/order/*", FOREIGN)

    records = subscribe.records("plan")
    assert [record["kind"] for record in records] == ["account", "action", "action", "untouched", "untouched", "plan"]
    assert {record["verdict"] for record in of_kind(records, "untouched")} == {"right", "foreign"}
    action = of_kind(records, "action")[0]
    assert (action["verb"], action["reasons"], action["url"]) == ("create", ["missing"], URL)
    assert records[-1]["to_do"] == 2


def test_mistakes_are_explained(fake: FakeBigCommerce, subscribe: Subscribe, served: FakeApi) -> None:
    """A source that does not exist, no public address, and senders that are registered by hand."""
    assert subscribe("plan", "--source", "store") == 2
    assert "no source is called 'store'" in subscribe.printed

    by_hand = '[[sources]]\nname = "shopery"\nprovider = "shopery"\nsecrets = ["text:hidden"]\n'
    subscribe.configure(by_hand)
    assert subscribe("plan") == 0
    assert f"enter at the sender: address {PUBLIC}/v1/shopery" in subscribe.printed
    assert "hidden" not in subscribe.printed

    path = subscribe.data_dir.parent / "penstock.toml"
    path.write_text(configuration(served))
    assert subscribe("plan") == 2
    assert "[ingress] public_url: expected the address" in subscribe.printed

    for odd in ("https://hooks.example.com/a/../b", "https://häuser.example"):
        path.write_text(f'[ingress]\npublic_url = "{odd}"\n{configuration(served)}')
        assert subscribe("apply", "--yes") == 2
        assert "[ingress] public_url: expected a plain URL" in subscribe.printed
    assert hooks(fake) == []
