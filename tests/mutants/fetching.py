"""Mutants in what is read from providers' APIs: `providers/http.py`, `providers/answers.py` and `providers/<name>/`."""

from typing import Final

from tests.mutants.mutant import Mutant

_HTTP: Final = "tests/unit/providers/test_http.py"
_API: Final = "tests/unit/providers/bigcommerce/test_api.py"
_FETCHED: Final = "tests/unit/providers/bigcommerce/test_fetched.py"

FETCHING: Final = (
    Mutant(
        "redirect_takes_the_credential_elsewhere",
        "No secret leaves: a redirect to another host is followed with the token.",
        "providers/http.py",
        "if _origin(target) != _origin(self.base_url):",
        "if not target:",
        (f"{_HTTP}::test_redirect_is_followed_within_the_origin_only",),
    ),
    Mutant(
        "proxy_of_the_environment_is_used",
        "No secret leaves: a proxy from the environment sees every token.",
        "providers/http.py",
        "trust_env=False,\n            verify",
        "trust_env=True,\n            verify",
        (f"{_HTTP}::test_environment_has_no_influence",),
    ),
    Mutant(
        "answer_shows_the_credential",
        "No secret in messages: an error page that repeats the token brings it into a dead letter.",
        "providers/http.py",
        "body = body.replace(secret.encode(), BLANK)",
        "pass",
        (f"{_HTTP}::test_answer_that_repeats_the_credential_has_it_blanked",),
    ),
    Mutant(
        "reply_of_any_length",
        "Bounded memory: a few compressed kilobytes become as many bytes as a hostile server likes.",
        "providers/http.py",
        "if length > self._limits.body_bytes:",
        "if not chunk:",
        (f"{_HTTP}::test_large_body_is_refused_while_it_comes",),
    ),
    Mutant(
        "floats_in_a_fetched_document",
        "Every digit is kept: prices become binary fractions.",
        "providers/answers.py",
        "return json_value(answer.body)",
        "import json\n\n        return json.loads(answer.body)",
        ("tests/unit/providers/test_answers.py::test_json_keeps_every_digit",),
    ),
    Mutant(
        "failed_list_means_deleted",
        "Nothing is deleted by mistake: what a failed list did not show counts as gone.",
        "providers/bigcommerce/api.py",
        "missing: Read = NotFound() if failure is None else failure",
        "missing: Read = NotFound()",
        (f"{_API}::test_fault_is_a_value", f"{_API}::test_cut_answer_is_unavailable"),
    ),
    Mutant(
        "second_page_is_not_read",
        "Nothing is deleted by mistake: what stands on the second page of a list counts as gone.",
        "providers/bigcommerce/api.py",
        'return count > 0 and int(query["page"]) < pages',
        "return False",
        (f"{_API}::test_server_with_shorter_pages_is_read_to_the_end",),
    ),
    Mutant(
        "one_id_spoils_its_batch",
        "One broken resource does not hold others: a batch that is refused is never read.",
        "providers/bigcommerce/api.py",
        "if failure is not None and len(wanted) > 1 and calls.may_divide:",
        "if failure is not None and not wanted:",
        (f"{_API}::test_batch_that_is_refused_is_halved",),
    ),
    Mutant(
        "division_without_end",
        "The quota is never exceeded: a store that refuses everything is asked for each of a hundred resources alone.",
        "providers/bigcommerce/calls.py",
        "return self._is_too_much and has_quota and self.count < MAX_CALLS",
        "return self._is_too_much",
        (f"{_API}::test_dividing_has_an_end",),
    ),
    Mutant(
        "headers_before_the_status",
        "The quota is never exceeded: after a 429 whose headers tell of 35 requests left, 35 more are made.",
        "providers/bigcommerce/calls.py",
        "return Quota(limit, 0.0 if answer.status == 429 else left, reset_ms / 1000)",
        "return Quota(limit, left, reset_ms / 1000)",
        (f"{_API}::test_used_up_quota_is_throttled_until_the_window_ends",),
    ),
    Mutant(
        "variant_named_by_the_older_api",
        "One resource, one name: a variant is one thing in its notification and another in its product.",
        "providers/bigcommerce/rules.py",
        'Rule("sku", ("sku.variant_id|id",)',
        'Rule("sku", ("id",)',
        (f"{_FETCHED}::test_variant_has_one_name",),
    ),
    Mutant(
        "stock_is_read_beside_its_product",
        "The last state is the provider's: a product's stock changes, and the product's own state stays as it was.",
        "providers/bigcommerce/reads.py",
        '"product_inventory": "product",',
        "",
        (f"{_FETCHED}::test_stock_and_variants_are_read_with_their_product",),
    ),
)
