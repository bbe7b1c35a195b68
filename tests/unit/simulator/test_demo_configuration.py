"""The demo's configuration: complete, private, and the same after a restart."""

import base64
import os
import stat
from datetime import date
from pathlib import Path

from config import loading, secrets
from providers.registry import PROVIDERS, provider, provider_of
from simulator.demo_configuration import demo_configuration
from simulator.demo_store.address import STORE, store_address
from simulator.posting import Post
from simulator.sample_payloads import posts
from simulator.senders import Sender
from streams.pipeline import Tables, process
from streams.worker.settings import compiled_routes
from tests.support.builders.deliveries import START, real_delivery


def bigcommerce_posts() -> list[Post]:
    """Return the sample's posts of BigCommerce."""
    return posts({"bigcommerce": Sender("bigcommerce", provider("bigcommerce"), b"s")}, 1, START)


def test_the_demo_has_one_source_per_provider_named_like_it(tmp_path: Path) -> None:
    """Every provider can be tried at once, with a secret that resolves."""
    loaded = loading.load(demo_configuration(tmp_path), {})

    assert {source.name: source.provider for source in loaded.sources} == {name: name for name in PROVIDERS}
    for source in loaded.sources:
        (secret,) = secrets.current_secrets(source, {}, date.today())  # noqa: DTZ011 - secrets without an end
        assert len(secret) >= 32


def test_everything_that_the_sample_sends_has_topics_of_its_own(tmp_path: Path) -> None:
    """The demo publishes each provider's changes under their production names."""
    loaded = loading.load(demo_configuration(tmp_path), {})
    routes = compiled_routes(loaded)
    senders: dict[str, Sender] = {
        source.provider: Sender(source.name, provider_of(source), b"s") for source in loaded.sources
    }
    used = set()

    for post in posts(senders, 1, START):
        delivery = real_delivery(
            post.sender.provider.name, post.body, post.topic, post.delivery_id, source=post.sender.source
        )
        result = process(delivery, Tables({}, {}), routes)
        used |= {topic for routed in result.routed_changes for topic in routed.topics}

    assert {topic.split(".")[1] for topic in used} == set(PROVIDERS)
    assert [topic for topic in used if topic.endswith(".other")] == []


def test_bigcommerce_is_read_from_a_store_of_the_demo(tmp_path: Path) -> None:
    """Address and token stand in the file and stay; what is of other stores is not read."""
    loaded = loading.load(demo_configuration(tmp_path, 9_999), {})
    again = loading.load(demo_configuration(tmp_path, 9_998), {})

    address = store_address(loaded)
    assert address is not None
    assert (address.source, address.url) == ("bigcommerce", "http://127.0.0.1:9999")
    assert len(address.token({})) >= 32
    assert store_address(again) == address
    assert [(source.name, set(source.api_tokens)) for source in loaded.sources if source.reads] == [
        ("bigcommerce", {STORE})
    ]
    assert {post.body.count(f'"stores/{STORE}"'.encode()) for post in bigcommerce_posts()} == {1}


def test_the_secrets_have_the_form_of_their_provider(tmp_path: Path) -> None:
    """Standard Webhooks' is base64 of at least 24 bytes, Stripe's begins with whsec_."""
    folder = demo_configuration(tmp_path).parent

    standard = (folder / "standard.secret").read_text().strip()
    assert len(base64.b64decode(standard.removeprefix("whsec_"), validate=True)) >= 24
    assert (folder / "stripe.secret").read_text().startswith("whsec_")


def test_the_demo_is_kept_over_restarts_and_repaired(tmp_path: Path) -> None:
    """Existing files stay byte for byte, edits too; missing ones are made again."""
    path = demo_configuration(tmp_path)
    path.write_text(path.read_text() + "# mine\n")
    secrets = {file.name: file.read_bytes() for file in path.parent.glob("*.secret")}
    (path.parent / "github.secret").unlink()

    demo_configuration(tmp_path)

    again = {file.name: file.read_bytes() for file in path.parent.glob("*.secret")}
    assert path.read_text().endswith("# mine\n")
    assert again.pop("github.secret") != secrets.pop("github.secret")
    assert again == secrets


def test_nobody_else_can_read_the_demo(tmp_path: Path) -> None:
    """Directory 0700, files 0600, with any umask; no draft is left."""
    before = os.umask(0)
    try:
        folder = demo_configuration(tmp_path).parent
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == len(PROVIDERS) + 2
