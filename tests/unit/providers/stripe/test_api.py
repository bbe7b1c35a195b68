"""Stripe's client against the fake of its API, over HTTP on loopback."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from providers.api import Checked, Fetched, Malformed, NotFound, Throttled, Unauthorised, Unavailable, Wanted
from providers.http import Limits
from providers.stripe import api
from providers.stripe.api import API_VERSION, StripeApi
from schemas.records import Document
from simulator.providers.faults import Fault
from simulator.providers.stripe import StripeFake
from tests.support.builders.provider_failures import FAILURES
from tests.support.processes.fake_api import FakeApi

KEY = "sk_test_made_up"
CUSTOMER: Document = {"id": "cus_1", "object": "customer", "name": "A", "balance": 0}
INVOICE = Wanted("invoice", "in_1")


Connect = Callable[..., StripeApi]


@pytest.fixture
def fake(served: FakeApi) -> StripeFake:
    """Give a fake that is served during the test."""
    shown = StripeFake(key=KEY)
    served.show(shown)
    return shown


@pytest.fixture
async def connect(served: FakeApi, fake: StripeFake) -> AsyncIterator[Connect]:
    """Give what makes a client of the fake."""
    clients: list[StripeApi] = []

    def connected(key: str = KEY) -> StripeApi:
        clients.append(StripeApi(lambda: key, served.url, Limits(read_s=0.2, total_s=2.0)))
        return clients[-1]

    yield connected
    for client in clients:
        await client.close()


async def test_object_is_read_in_the_version_of_its_event(fake: StripeFake, connect: Connect) -> None:
    """An event is frozen in its version; the read of that version shows the same object, another version another one."""
    parent = {"subscription_details": {"subscription": "sub_1"}}
    event = fake.put("", {"id": "in_1", "object": "invoice", "lines": [], "parent": parent}, "invoice.created")
    client = connect()

    in_its_version = await _read(client, Wanted("invoice", "in_1", api_version=event["api_version"]))
    in_another = await _read(client, INVOICE)

    assert in_its_version == Fetched(event["data"]["object"], event["api_version"])
    assert isinstance(in_another, Fetched)
    assert (in_another.api_version, in_another.document["parent"]) == (API_VERSION, parent)


async def test_thin_event_is_read_where_it_says(fake: StripeFake, connect: Connect) -> None:
    """The path, and the account in the event's context, lead to the object."""
    fake.put("acct_1", {"id": "mtr_1", "object": "billing.meter"}, "billing.meter.created")
    event = fake.thin("acct_1", "billing.meter", "mtr_1", "v1.billing.meter.error_report_triggered")
    reference = event["related_object"]["url"]

    found = await _read(connect(), Wanted("billing_meter", "mtr_1", reference, "org_1/acct_1"))
    of_the_platform = await _read(connect(), Wanted("billing_meter", "mtr_1", reference))

    assert found == Fetched({"id": "mtr_1", "object": "billing.meter"}, API_VERSION)
    assert of_the_platform == NotFound()


@pytest.mark.parametrize("count", [0, 10, 11, 110, 250])
async def test_cut_list_is_read_to_its_end(fake: StripeFake, connect: Connect, count: int) -> None:
    """An object shows ten elements of a list; the rest come in pages, in order, each once."""
    lines = [{"id": f"il_{number}", "amount": number} for number in range(count)]
    fake.put("", {"id": "in_1", "object": "invoice", "lines": lines}, "invoice.created")

    reply = await connect().read([INVOICE])

    fetched = reply.results[INVOICE]
    assert isinstance(fetched, Fetched)
    assert fetched.document["lines"]["data"] == lines
    assert fetched.document["lines"]["has_more"] is False
    pages = 1 + max(0, -(-(count - 10) // 100))
    assert (reply.requests, reply.cost, len(fake.requests)) == (pages, pages, pages)


async def test_list_without_end_is_bounded(fake: StripeFake, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beyond the last page that is read stays announced by `has_more`, so that nothing is taken for deleted."""
    monkeypatch.setattr(api, "MAX_PAGES", 2)
    fake.put("", {"id": "in_1", "object": "invoice", "lines": [{"id": str(n)} for n in range(211)]}, "invoice.created")

    fetched = await _read(connect(), INVOICE)

    assert isinstance(fetched, Fetched)
    assert (len(fetched.document["lines"]["data"]), fetched.document["lines"]["has_more"]) == (210, True)


async def test_object_whose_list_fails_is_not_read(fake: StripeFake, connect: Connect) -> None:
    """Half of a list is no content."""
    fake.put("", {"id": "in_1", "object": "invoice", "lines": [{"id": str(n)} for n in range(50)]}, "invoice.created")
    fake.faults.next(None, "unavailable")

    assert isinstance(await _read(connect(), INVOICE), Unavailable)


async def test_deleted_object_is_answered(fake: StripeFake, connect: Connect) -> None:
    """It is an answer with content; an id that never was is not found."""
    fake.put("", CUSTOMER, "customer.created")
    fake.delete("", "customer", "cus_1")
    client = connect()

    deleted = {"id": "cus_1", "object": "customer", "deleted": True}
    assert await _read(client, Wanted("customer", "cus_1")) == Fetched(deleted, API_VERSION)
    assert await _read(client, Wanted("customer", "cus_2")) == NotFound()


async def test_unknown_address_is_no_missing_object(connect: Connect) -> None:
    """A wrong address must not delete every object of a type."""
    client = connect()

    assert isinstance(await _read(client, Wanted("payout", "po_1")), Malformed)
    assert isinstance(await _read(client, Wanted("line_item", "il_1")), Malformed)


@pytest.mark.parametrize(("fault", "expected"), FAILURES)
async def test_faults_are_values(fake: StripeFake, connect: Connect, fault: Fault, expected: type) -> None:
    """Nothing is raised, and the next read succeeds."""
    fake.put("", CUSTOMER, "customer.created")
    fake.faults.next(fault)
    client, wanted = connect(), Wanted("customer", "cus_1")

    assert isinstance(await _read(client, wanted), expected)
    assert await _read(client, wanted) == Fetched(CUSTOMER, API_VERSION)


async def test_limit_per_second_is_throttled(fake: StripeFake, connect: Connect) -> None:
    """The 26th read of an endpoint within a second is told to wait until the next one."""
    fake.put("", CUSTOMER, "customer.created")
    client, wanted = connect(), Wanted("customer", "cus_1")

    results = [await _read(client, wanted) for _ in range(26)]
    fake.clock.advance(1)

    assert [type(result) for result in results] == [Fetched] * 25 + [Throttled]
    assert results[-1] == Throttled(1.0, "status 429: rate_limit")
    assert isinstance(await _read(client, wanted), Fetched)


async def test_wrong_key_is_unauthorised_and_never_shown(fake: StripeFake, connect: Connect) -> None:
    """Neither the result nor the client's text shows the key."""
    client = connect("sk_test_another")

    result = await _read(client, INVOICE)
    assert result == Unauthorised("status 401: invalid_request_error")
    assert "sk_test" not in repr(result) + repr(client) + repr(await client.check())


async def test_key_in_an_answer_is_not_shown(served: FakeApi, connect: Connect) -> None:
    """Not even where Stripe repeats it in a place that is for people."""
    served.answer(400, b'{"error": {"code": "no such key: ' + KEY.encode() + b'"}}')

    assert await _read(connect(), INVOICE) == Malformed("status 400: no such key: ***")


async def test_unknown_account_is_unauthorised(connect: Connect) -> None:
    """An account that is not connected is a matter of rights."""
    assert isinstance(await _read(connect(), Wanted("customer", "cus_1", context="acct_9")), Unauthorised)


async def test_check_says_what_the_key_is_good_for(fake: StripeFake, connect: Connect) -> None:
    """One cheap request tells the mode; a key that has expired is named."""
    client = connect()

    checked = await client.check()
    assert checked == Checked(
        "key works, test mode; Stripe documents 25 requests per second and endpoint", api.DOCUMENTED
    )
    fake.faults.has_expired_token = True
    assert await client.check() == Unauthorised("status 401: api_key_expired")


async def test_objects_are_read_one_by_one(connect: Connect) -> None:
    """Stripe has no request for several."""
    client = connect()

    assert client.batch([INVOICE, Wanted("customer", "cus_1")]) == [INVOICE]
    assert client.cost_of([INVOICE]) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b""),
        (204, b""),
        (200, b"7"),
        (302, b""),
        (400, b"[]"),
        (418, b'{"error": 7}'),
    ],
)
async def test_reply_of_another_shape_is_malformed(served: FakeApi, connect: Connect, status: int, body: bytes) -> None:
    """Nothing is taken for a missing object, and nothing raises."""
    served.answer(status, body)

    assert isinstance(await _read(connect(), Wanted("customer", "cus_1")), Malformed)


async def _read(client: StripeApi, wanted: Wanted) -> Any:
    return (await client.read([wanted])).results[wanted]
