"""The deliveries of the benchmarks: generated products in Shopify's format, the same in every run."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from providers.base import Sample, SignedRequest
from providers.shopify.provider import Shopify
from schemas.records import RawDelivery
from simulator.history import OUTCOMES, Mix, noise
from simulator.signing import http_request, raw_delivery, signed

SOURCE: Final = "bench"
SECRET: Final = b"made-up-for-the-benchmark"
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
STEP_S: Final = 20  # between two versions of one product; stale deliveries show a second in between
FIRST_ID: Final = 7_900_000_000_000

SMALL = (1, 1, 2)  # variants, images, paragraphs: 1.6 kB
LARGE = (8, 5, 5)  # 5.9 kB
DISTINCT: Final = 256  # products of `Numbered`, each with its own key, so that all partitions are written
_NUMBER: Final = b"the-number-of-the-post"

_encode = msgspec.json.encode
_WORDS: Final = (
    "light",
    "warm",
    "rain",
    "proof",
    "trail",
    "cotton",
    "wool",
    "merino",
    "classic",
    "summer",
    "soft",
    "blue",
)


def product(number: int, version_s: float, content: int, size: tuple[int, int, int]) -> bytes:
    """Return the body of a product; `version_s` moves `updated_at`, `content` price, stock and title."""
    chance = random.Random(number)  # noqa: S311  # words of a description, no secret
    variants, images, paragraphs = size
    product_id, updated = FIRST_ID + number, _time(version_s)
    document: dict[str, Any] = {
        "admin_graphql_api_id": f"gid://shopify/Product/{product_id}",
        "body_html": "".join(f"<p>{_prose(chance, 30)}.</p>" for _ in range(paragraphs)),
        "created_at": _time(-86_400),
        "handle": f"shirt-{number}",
        "id": product_id,
        "product_type": "Shirts",
        "published_at": _time(-86_000),
        "template_suffix": None,
        "title": f"Shirt {number}, edition {content // 3}",
        "updated_at": updated,
        "vendor": "Northwind",
        "status": "active",
        "published_scope": "global",
        "tags": "cotton, summer, " + _prose(chance, 4).replace(" ", ", "),
        "variants": [_variant(product_id, index, content) for index in range(variants)],
        "options": [{"id": product_id + 9, "name": "Size", "product_id": product_id, "position": 1, "values": ["S"]}],
        "images": [_image(product_id, index) for index in range(images)],
        "category": {"admin_graphql_api_id": "gid://shopify/TaxonomyCategory/aa-1-13-8", "name": "T-Shirts"},
    }
    return _encode(document)


def mixed(mix: Mix, counts: Counter[str]) -> Iterator[RawDelivery]:
    """Yield the deliveries of a mix as the ingress would store them, and count their expected outcomes."""
    for turn in noise(mix, START, timedelta(seconds=STEP_S)):
        counts[OUTCOMES[turn.kind]] += 1
        scene, shown_s = turn.scene, (turn.scene.moment - START).total_seconds()
        yield kept(product(scene.number, shown_s, scene.content, SMALL), f"{SOURCE}-{mix.seed}-{turn.number}", shown_s)


def kept(body: bytes, delivery_id: str, shown_s: float) -> RawDelivery:
    """Return a product's delivery as the ingress stores it, a second after it was signed."""
    received_at = START + timedelta(seconds=shown_s + 1)
    return raw_delivery(_SHOPIFY, SOURCE, _request(body, delivery_id, shown_s), received_at)


class Numbered:
    """Signed posts without end: `DISTINCT` products in turn, each post with its own delivery id.

    The signature covers only the body, so a post costs no more than writing its number between two strings.
    """

    def __init__(self, path: str, run: str, distinct: int = DISTINCT) -> None:
        """Build the parts; `run` begins every delivery id, so that no two runs of a benchmark share one."""
        self._run = run.encode()
        self._parts = [
            (head, tail)
            for built in (_numberless(path, number) for number in range(distinct))
            for head, _, tail in (built.partition(_NUMBER),)
        ]

    def __call__(self, number: int) -> bytes:
        """Return the bytes of a post."""
        head, tail = self._parts[number % len(self._parts)]
        return b"%b%b-%d%b" % (head, self._run, number, tail)

    def delivery_id(self, number: int) -> str:
        """Return the delivery id of a post."""
        return f"{self._run.decode()}-{number}"


def _numberless(path: str, number: int) -> bytes:
    body = product(number, 0, 0, LARGE)
    return http_request(path, _request(body, _NUMBER.decode(), 0))


def requests(path: str, count: int, products: int, size: tuple[int, int, int] = LARGE) -> list[bytes]:
    """Return the bytes of `count` signed posts, each a newer version of one of the products in turn."""
    built = []
    for turn in range(count):
        number, version = turn % products, turn // products
        body = product(number, version * STEP_S, version, size)
        built.append(http_request(path, _request(body, f"post-{turn}", version * STEP_S)))
    return built


def body_bytes(size: tuple[int, int, int]) -> int:
    """Return the length of a body of this size."""
    return len(product(1234, STEP_S, 1, size))


_SHOPIFY: Final = Shopify()


def _request(body: bytes, delivery_id: str, shown_s: float) -> SignedRequest:
    sample = Sample(body, "products/update", delivery_id, START + timedelta(seconds=shown_s), "northwind")
    return signed(_SHOPIFY, sample, SECRET)


def _variant(product_id: int, index: int, content: int) -> dict[str, Any]:
    variant_id = product_id * 10 + index
    return {
        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant_id}",
        "barcode": None,
        "compare_at_price": "24.99",
        "created_at": _time(-86_400),
        "id": variant_id,
        "inventory_policy": "deny",
        "position": index + 1,
        "price": f"{10 + content % 7}.{content % 100:02d}",
        "product_id": product_id,
        "sku": f"NW-{product_id % 100_000}-{index}",
        "taxable": True,
        "title": f"Size {index}",
        "option1": "S",
        "inventory_item_id": variant_id + 1,
        "inventory_quantity": 100 - content % 100,
    }


def _image(product_id: int, index: int) -> dict[str, Any]:
    image_id = product_id * 10 + 5 + index
    return {
        "id": image_id,
        "alt": None,
        "position": index + 1,
        "product_id": product_id,
        "admin_graphql_api_id": f"gid://shopify/ProductImage/{image_id}",
        "width": 1200,
        "height": 1600,
        "src": f"https://cdn.example/s/files/1/{product_id}/shirt-{index}.jpg?v=1700000000",
        "variant_ids": [],
    }


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words))


def _time(offset_s: float) -> str:
    return f"{START + timedelta(seconds=offset_s):%Y-%m-%dT%H:%M:%SZ}"
