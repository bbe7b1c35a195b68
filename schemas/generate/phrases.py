"""Sentences for columns whose names say what they hold; every other column gets its sentence from a person, in its table.

The words are ours: nothing is taken from a source's descriptions, which a licence may not cover.
"""

import re
from collections.abc import Mapping
from typing import Final

PROVIDERS: Final[Mapping[str, str]] = {
    "bigcommerce": "BigCommerce",
    "github": "GitHub",
    "shopify": "Shopify",
    "stripe": "Stripe",
}

NOUNS: Final[Mapping[str, str]] = {
    "order_line_item": "order line",
    "order_shipping_line": "shipping line",
    "order_transaction": "transaction",
    "customer_address": "address",
    "invoice_line_item": "invoice line",
    "issue_assignee": "assignee",
    "issue_label": "label",
    "pull_request_assignee": "assignee",
    "pull_request_label": "label",
    "pull_request_review": "review",
    "pull_request_review_comment": "review comment",
    "product_image": "image",
    "product_option": "option",
    "sku": "variant",
}
"""What a resource is called in a sentence, where it is not called by its own words."""

PHRASES: Final[tuple[tuple[str, str], ...]] = (
    # --- Names and times
    (r"id", "Identifies the {noun} at {provider}."),
    (r"admin_graphql_api_id|node_id", "Identifies the {noun} in {provider}'s GraphQL API."),
    (r"created|created_at|created_time|date_created", "When the {noun} was created."),
    (r"updated|updated_at|updated_time|date_modified", "When the {noun} was last changed."),
    (r"(canceled|cancelled|closed|completed|ended|merged|processed|published|starred|started|submitted)_at",
     "When the {noun} was {words}; null until then."),
    (r"expires_at", "When the {noun} expires."),
    # --- References
    (r"(\w+)_id", "Id of the {words}."),
    (r"(\w+)_ids", "Ids of the {words}s."),
    (r"(\w+)_url", "Address of the {words}."),
    (r"url", "Address of the {noun} in the API."),
    # --- Money, counts, words
    (r"(\w+?)s?_count", "Number of {words}s."),
    (r"current_(\w+)_set", "{Words} after edits, returns and refunds, in the shop's and in the customer's currency."),
    (r"original_(\w+)_set", "{Words} when the {noun} was placed, in the shop's and in the customer's currency."),
    (r"(\w+)_set", "{Words}, in the shop's and in the customer's currency."),
    (r"currency", "Currency of the {noun}'s amounts, as a three-letter ISO 4217 code."),
    (r"position", "Place of the {noun} in its list, from 1."),
    (r"status|state", "State of the {noun}, one of the words that {provider} documents."),
    (r"type", "Type of the {noun}, one of the words that {provider} documents."),
    (r"note", "Note that someone added to the {noun}."),
    (r"name|title", "The {noun}'s {name}, as people read it."),
    (r"description", "Description of the {noun}, as people read it."),
    (r"email", "E-mail address of the {noun}."),
    (r"phone", "Telephone number of the {noun}."),
    (r"metadata", "Names and values that the account attached to the {noun}."),
    (r"livemode", "True for live data, false for test data."),
    (r"object", "Stripe's name of the object's type."),
    (r"deleted", "True if the {noun} has been deleted."),
    (r"tags", "Tags of the {noun}, separated by commas."),
    (r"sku", "Stock keeping unit of the {noun}."),
)  # fmt: skip
"""Patterns of whole names in the order in which they are tried; `{words}` are those of the name's first group."""


def column_doc(provider: str, resource: str, name: str) -> str:
    """Return the sentence for a column, "" if its name says too little for one."""
    for pattern, sentence in PHRASES:
        if match := re.fullmatch(pattern, name):
            words = match[match.lastindex].replace("_", " ") if match.lastindex else ""
            return sentence.format(
                noun=noun(resource), provider=PROVIDERS[provider], name=name, words=words, Words=words.capitalize()
            )
    return ""


def resource_doc(provider: str, resource: str) -> str:
    """Return the sentence for a resource."""
    words = noun(resource)
    article = "An" if words[0] in "aeiou" else "A"
    return f"{article} {words} of {PROVIDERS[provider]}."


def noun(resource: str) -> str:
    """Return what a resource is called in a sentence."""
    return NOUNS.get(resource, resource.replace("_", " "))
