"""`penstock subscribe` at Stripe: against a fake of its API, over HTTP. It tells a secret once."""

import stat
from pathlib import Path

from simulator.providers.stripe import StripeFake
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import Subscribe
from tests.unit.console.subscribe.at_stripe import (
    EVENTS,
    KEY,
    URL,
    VERSION,
    clear,
    configuration,
    endpoints,
    is_right,
    secrets,
)


def test_secret_is_kept_before_the_endpoint_is_active(stripe: StripeFake, subscribe: Subscribe) -> None:
    """It is in a private file, and in no output."""
    assert subscribe("plan") == 3
    assert "its secret goes to" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)
    assert stat.S_IMODE(Path("a.secret").stat().st_mode) == 0o600
    shown = subscribe.printed
    assert subscribe("plan", "--json") == 0
    assert secrets()[0] not in shown + subscribe.printed
    assert KEY not in shown + subscribe.printed


def test_failed_activation_leaves_nothing_active(stripe: StripeFake, subscribe: Subscribe) -> None:
    """When the last request fails, the secret is in its file already; the next run only activates."""
    stripe.faults.next(*[None] * 5, "error")
    assert subscribe("apply", "--yes") == 1
    (endpoint,) = endpoints(stripe)
    assert endpoint["enabled_events"] == ["sigma.scheduled_query_run.created"]
    assert endpoint["secret"] in secrets()

    assert subscribe("plan") == 3
    assert "~ update" in subscribe.printed
    assert "was made and never activated" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)


def test_upgrade_needs_a_file_for_the_new_secret(stripe: StripeFake, subscribe: Subscribe, served: FakeApi) -> None:
    """The old secret is still needed while both endpoints send, so it is not overwritten."""
    subscribe.configure(configuration(served, "2024-06-20"))
    subscribe("apply", "--yes")
    before = secrets()
    subscribe.configure(configuration(served))

    assert subscribe("plan") == 3
    assert "± replace  charge.updated, invoice.paid  wrong_version" in subscribe.printed
    assert "cannot be done: its secret has nowhere to go" in subscribe.printed
    assert subscribe("apply", "--yes") == 1
    assert is_right(stripe, "2024-06-20")
    assert secrets() == before


def test_new_endpoint_is_deleted_if_its_secret_cannot_be_kept(
    stripe: StripeFake, subscribe: Subscribe, served: FakeApi
) -> None:
    """Only what this run made: the endpoint of another address stays."""
    stripe.endpoints.registered.add("", lambda number: {
        "id": f"we_{number}", "url": "https://else.example/", "enabled_events": ["*"], "status": "enabled", "secret": "x",
        "metadata": {},
    })  # fmt: skip
    subscribe.configure(configuration(served, files=("no/folder",)))

    assert subscribe("apply", "--yes") == 1
    assert "undone" in subscribe.printed
    assert [endpoint["url"] for endpoint in endpoints(stripe)] == ["https://else.example/"]


def test_note_without_its_secret_counts_for_nothing(stripe: StripeFake, subscribe: Subscribe) -> None:
    """Killed between the note and the file: nobody has the secret, so the endpoint is replaced."""
    stripe.faults.next(*[None] * 5, "error")
    subscribe("apply", "--yes")
    Path("a.secret").unlink()

    assert subscribe("plan") == 3
    assert "± replace" in subscribe.printed
    assert "secret_unknown" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert is_right(stripe)


def test_endpoint_that_was_made_by_hand_is_left_alone(stripe: StripeFake, subscribe: Subscribe) -> None:
    """Its secret was entered by hand, as far as can be told; notes of another machine are not needed either."""
    Path("a.secret").write_text("whsec_by_hand")
    stripe.endpoints.registered.add("", lambda number: {
        "id": f"we_{number}", "url": URL, "enabled_events": EVENTS, "status": "enabled", "secret": "whsec_by_hand",
        "metadata": {}, "api_version": VERSION,
    })  # fmt: skip
    assert subscribe("plan") == 0

    clear(stripe)
    subscribe("apply", "--yes")
    Path(".penstock/subscriptions.json").unlink()
    assert subscribe("plan") == 0


def test_disabled_endpoint_is_enabled(stripe: StripeFake, subscribe: Subscribe) -> None:
    """With the same secret."""
    subscribe("apply", "--yes")
    stripe.endpoints.registered.change("", endpoints(stripe)[0]["id"], {"status": "disabled"})

    assert subscribe("repair", "--yes") == 0
    assert is_right(stripe)


def test_connected_accounts_have_an_endpoint_of_their_own(
    stripe: StripeFake, subscribe: Subscribe, served: FakeApi
) -> None:
    """`tenants` says which accounts may post; each endpoint has a secret of its own."""
    tenants = 'tenants = ["", "acct_1"]\n'
    subscribe.configure(configuration(served, files=("a",), more=tenants))
    assert subscribe("plan") == 3
    assert "nowhere to go" in subscribe.printed

    subscribe.configure(configuration(served, files=("a", "b"), more=tenants))
    assert subscribe("apply", "--yes") == 0
    assert sorted(endpoint["is_connect"] for endpoint in endpoints(stripe)) == [False, True]
    assert sorted(endpoint["secret"] for endpoint in endpoints(stripe)) == sorted(secrets())
    assert subscribe("plan") == 0
