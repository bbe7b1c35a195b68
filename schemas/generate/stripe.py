"""Stripe: the classes of its Python library, which are generated from its OpenAPI description. They are read, never imported.

Stripe's amounts are integers in the currency's minor unit, and its times integers of Unix seconds. A field that refers to another
object is that object's id in every event: only a read can expand it, and then it does not fit its column.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.generate.fields import Field, Files, Resources, SourceError, newest_first

CLASSES: Final[Mapping[str, str]] = {
    "charge": "_charge.Charge",
    "checkout_session": "checkout/_session.Session",
    "customer": "_customer.Customer",
    "dispute": "_dispute.Dispute",
    "event": "_event.Event",
    "invoice": "_invoice.Invoice",
    "invoice_line_item": "_invoice_line_item.InvoiceLineItem",
    "payment_intent": "_payment_intent.PaymentIntent",
    "payout": "_payout.Payout",
    "price": "_price.Price",
    "product": "_product.Product",
    "refund": "_refund.Refund",
    "subscription": "_subscription.Subscription",
    "subscription_item": "_subscription_item.SubscriptionItem",
}

_TYPES: Final[Mapping[str, str]] = {
    "str": "string", "int": "integer", "float": "number", "bool": "boolean", "Decimal": "string", "Literal": "string",
    "ExpandableField": "string", "List": "array",
}  # fmt: skip
_TRANSPARENT: Final = frozenset({"Optional", "Union"})
_SECONDS: Final = re.compile(
    r"created|updated|period_(start|end)|current_period_(start|end)|trial_(start|end)|.*_date|.*_at"
    r"|cancel_at|billed_until|billing_cycle_anchor|next_payment_attempt|next_pending_invoice_item_invoice"
)
_DECIMAL: Final = re.compile(r".*_decimal|unit_amount_excluding_tax")  # fractions of a cent, as text


def resources(*versions: Files, classes: Mapping[str, str] = CLASSES) -> Resources:
    """Return the fields of each resource in several versions of the library, the newest first."""
    return newest_first(*({name: _class(files, path) for name, path in classes.items()} for files in versions))


def _class(files: Files, path: str) -> tuple[Field, ...]:
    module, _, name = path.rpartition(".")
    source = files.get(f"stripe/{module}.py", b"")
    found = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        raise SourceError(f"Stripe: expected the class {name} in stripe/{module}.py, found none")
    return tuple(_fields(found[0]))


def _fields(node: ast.ClassDef) -> Iterator[Field]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id.rstrip("_")
            if name != "OBJECT_NAME":
                yield Field(name, frozenset(_types(statement.annotation)), _form(name))


def _form(name: str) -> str:
    if _SECONDS.fullmatch(name):
        return "seconds"
    return "decimal" if _DECIMAL.fullmatch(name) else ""


def _types(annotation: ast.expr) -> Iterator[str]:
    match annotation:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=bool())):
            yield "boolean"
        case ast.Subscript(value=ast.Name(id=name), slice=inside) if name in _TRANSPARENT:
            for part in inside.elts if isinstance(inside, ast.Tuple) else [inside]:
                yield from _types(part)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            yield _TYPES.get(name, "object")
        case _:
            yield "object"  # the name of a class, in quotes
