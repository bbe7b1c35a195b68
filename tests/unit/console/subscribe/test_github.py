"""`penstock subscribe` at GitHub: against a fake of its API, over HTTP. Secrets are ours, and a PATCH may lose them."""

import stat
from pathlib import Path
from typing import Any

import pytest

from console.subscribe import work
from schemas.records import Document
from simulator.providers.github import TOKEN, GitHubFake
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import PUBLIC, Subscribe, of_kind

URL = f"{PUBLIC}/v1/code"
REPOSITORY, ORGANISATION = "octo/hello", "octo"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the second that GitHub wants between two changes."""
    monkeypatch.setattr(work, "PACE", 0.0)


@pytest.fixture
def fake(served: FakeApi, subscribe: Subscribe) -> GitHubFake:
    """Serve a repository and an organisation, and configure them."""
    made = GitHubFake()
    made.hooks.places = {REPOSITORY, ORGANISATION}
    served.show(made)
    subscribe.configure(configuration(served))
    return made


def configuration(served: FakeApi, secrets: str = '["file:code.secret"]', more: str = "") -> str:
    """Return a source whose secret does not exist yet."""
    return (
        f'[[sources]]\nname = "code"\nprovider = "github"\nsecrets = {secrets}\napi_url = "{served.url}"\n'
        f'api_token = "text:{TOKEN}"\nsubscribe = ["issues", "push"]\n'
        f'subscribe_at = ["{REPOSITORY}", "{ORGANISATION}"]\n{more}'
    )


def secret() -> str:
    """Return the secret in the file."""
    return Path("code.secret").read_text().strip()


def the_hook(fake: GitHubFake, place: str = REPOSITORY) -> Document:
    """Return the only hook of a place."""
    (hook,) = fake.hooks.registered.all(place)
    return hook


def is_right(fake: GitHubFake) -> bool:
    """Say whether both places have their one hook, active, with the secret of the file."""
    hooks = [hook for place in (REPOSITORY, ORGANISATION) for hook in fake.hooks.registered.all(place)]
    return [
        (hook["active"], sorted(hook["events"]), hook["config"].get("secret"), hook["config"]["url"]) for hook in hooks
    ] == [(True, ["issues", "push"], secret(), URL)] * 2


def test_new_hooks_have_a_secret_that_is_in_its_file(fake: GitHubFake, subscribe: Subscribe) -> None:
    """It is made once, private, and in no output."""
    assert subscribe("plan") == 3
    assert f"+ create   {REPOSITORY} issues, push  missing" in subscribe.printed
    assert "its secret goes to" in subscribe.printed
    assert not Path("code.secret").exists()

    assert subscribe("apply", "--yes") == 0
    assert secret() not in subscribe.printed
    assert is_right(fake)
    assert len(secret()) >= 40
    assert stat.S_IMODE(Path("code.secret").stat().st_mode) == 0o600
    assert subscribe("plan") == 0


def test_existing_secret_is_used(fake: GitHubFake, subscribe: Subscribe) -> None:
    """And never overwritten."""
    Path("code.secret").write_text("chosen by a person\n")
    assert subscribe("apply", "--yes") == 0
    assert is_right(fake)
    assert secret() == "chosen by a person"


def test_disabled_hook_keeps_its_secret(fake: GitHubFake, subscribe: Subscribe) -> None:
    """The PATCH that activates it carries the secret, or GitHub would remove it."""
    subscribe("apply", "--yes")
    fake.hooks.registered.change(REPOSITORY, str(the_hook(fake)["id"]), {
        "active": False, "last_response": {"code": 502, "status": "error", "message": "Bad gateway"},
    })  # fmt: skip

    assert subscribe("plan") == 3
    assert "disabled: last response 502: Bad gateway" in subscribe.printed
    assert subscribe("repair", "--yes") == 0
    assert is_right(fake)


def test_failing_hook_is_named(fake: GitHubFake, subscribe: Subscribe) -> None:
    """GitHub neither switches it off nor tries again."""
    subscribe("apply", "--yes")
    said = {"code": 502, "status": "error", "message": "Bad gateway"}
    fake.hooks.registered.change(REPOSITORY, str(the_hook(fake)["id"]), {"last_response": said})

    assert subscribe("plan") == 0
    assert f"failing: {REPOSITORY}: last response 502: Bad gateway" in subscribe.printed


def test_lost_secret_is_set_again(fake: GitHubFake, subscribe: Subscribe) -> None:
    """Somebody changed the hook by a PATCH without it, and now it signs nothing."""
    subscribe("apply", "--yes")
    fake.hooks.registered.change(REPOSITORY, str(the_hook(fake)["id"]), {"config": {"url": URL}})

    assert subscribe("plan") == 3
    assert "secret_unknown: signs nothing" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert is_right(fake)


def test_secret_that_is_not_ours_to_tell_is_set(fake: GitHubFake, subscribe: Subscribe) -> None:
    """A hook made by hand, notes that were lost, and a secret that was renewed: each ends with the source's first secret."""
    subscribe("apply", "--yes")
    (subscribe.data_dir / "subscriptions.json").unlink()
    assert subscribe("plan") == 3
    assert subscribe("apply", "--yes") == 0
    assert is_right(fake)

    Path("old.secret").write_text(secret())
    Path("code.secret").write_text("renewed")
    path = Path("penstock.toml")
    path.write_text(path.read_text().replace('["file:code.secret"]', '["file:code.secret", "file:old.secret"]'))
    assert subscribe("plan") == 3
    assert "signs with an older secret" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert is_right(fake)


def test_events_that_somebody_added_stay(fake: GitHubFake, subscribe: Subscribe) -> None:
    """Missing ones are added; only --prune removes others."""
    subscribe("apply", "--yes")
    fake.hooks.registered.change(REPOSITORY, str(the_hook(fake)["id"]), {"events": ["push", "star"]})

    assert subscribe("apply", "--yes") == 0
    assert "lacks issues" in subscribe.printed
    assert sorted(the_hook(fake)["events"]) == ["issues", "push", "star"]
    assert the_hook(fake)["config"]["secret"] == secret()
    assert subscribe("plan") == 0
    assert subscribe("apply", "--yes", "--prune") == 0
    assert is_right(fake)


def test_routes_choose_the_events(fake: GitHubFake, subscribe: Subscribe, served: FakeApi) -> None:
    """By resource and by event type; without routes it is every event."""
    auto = configuration(served).replace('subscribe = ["issues", "push"]\n', "")
    subscribe.configure(auto)
    assert of_kind(subscribe.records("plan"), "action")[0]["topics"] == ["*"]

    routes = '[[routes]]\nname = "a"\nresource = "release"\n[[routes]]\nname = "b"\nevent_type = "push"\n'
    subscribe.configure(auto + routes)
    assert of_kind(subscribe.records("plan"), "action")[0]["topics"] == ["push", "release"]


@pytest.mark.parametrize("fault", ["reset", "torn"])
def test_apply_goes_on_after_any_request(fake: GitHubFake, subscribe: Subscribe, fault: Any) -> None:
    """Whichever request fails, before or after it was carried out, the next run ends right, with the same secret."""
    for number in range(2, 8):
        for place in (REPOSITORY, ORGANISATION):
            for hook in fake.hooks.registered.all(place):
                fake.hooks.registered.vanish(place, str(hook["id"]))
        fake.hooks.registered.add(REPOSITORY, lambda made: {
            "id": made, "active": False, "events": ["push"], "config": {"url": URL}, "last_response": {},
        })  # fmt: skip
        Path("code.secret").unlink(missing_ok=True)
        fake.faults.next(*[None] * number, fault)

        subscribe("apply", "--yes")
        fake.faults.heal()
        kept = secret() if Path("code.secret").exists() else None
        assert subscribe("apply", "--yes") == 0
        assert is_right(fake)
        assert kept in (None, secret())


def test_secret_without_a_place_blocks(fake: GitHubFake, subscribe: Subscribe, served: FakeApi) -> None:
    """Nothing is registered whose secret could not be kept; the plan says what to do."""
    subscribe.configure(configuration(served).replace('["file:code.secret"]', '["file:missing/code.secret"]'))
    assert subscribe("apply", "--yes") == 1
    assert "cannot be written" in subscribe.printed
    assert fake.hooks.registered.all(REPOSITORY) == []


def test_place_that_may_not_be_seen_fails_alone(fake: GitHubFake, subscribe: Subscribe) -> None:
    """GitHub answers 404 for what a token may not administer."""
    fake.hooks.places = {ORGANISATION}
    assert subscribe("plan") == 1
    assert f"{REPOSITORY}: cannot be read: status 404" in subscribe.printed
    assert subscribe("apply", "--yes") == 1
    assert the_hook(fake, ORGANISATION)["active"] is True


def test_pause_between_changes_is_kept(fake: GitHubFake, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub wants a second between two changes; here it is a tenth, between two hooks."""
    import time

    monkeypatch.setattr(work, "PACE", 0.1)
    before_s = time.monotonic()
    assert subscribe("apply", "--yes") == 0
    assert time.monotonic() - before_s >= 0.1
