"""The payloads of the corpora as the deliveries that they were."""

from collections.abc import Iterator

from schemas.records import RawDelivery
from tests.support.builders.corpora import corpora, shopify_payloads
from tests.support.builders.deliveries import real_delivery


def shopify() -> Iterator[RawDelivery]:
    """Yield Shopify's sample of each topic."""
    for topic, body in shopify_payloads():
        yield real_delivery("shopify", body, topic, headers={"x-shopify-shop-domain": "acme.myshopify.com"})


def github() -> Iterator[RawDelivery]:
    """Yield octokit's examples."""
    for file in sorted((corpora() / "github").glob("*/*.json")):
        yield real_delivery("github", file.read_bytes(), file.parent.name)
