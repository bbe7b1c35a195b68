"""Mutants of registration: hooks of others that are touched, secrets that are lost, hooks that are deleted too early."""

from typing import Final

from tests.mutants.mutant import Mutant

PLAN = "tests/unit/subscriptions/test_plan.py"
OWNERSHIP = "tests/unit/subscriptions/test_ownership.py"
FILES = "tests/unit/subscriptions/test_secret_files.py"
BIGCOMMERCE = "tests/unit/console/subscribe/test_bigcommerce.py"
GITHUB = "tests/unit/console/subscribe/test_github.py"
STRIPE = "tests/unit/console/subscribe/test_stripe.py"
INTERRUPTED = "tests/unit/console/subscribe/test_stripe_interrupted.py"
SHOPIFY = "tests/unit/console/subscribe/test_shopify.py"

SUBSCRIBING: Final = (
    Mutant(
        "foreign_hooks_are_pruned",
        "Only hooks below public_url are touched: what another program registered is deleted.",
        "subscriptions/plan.py",
        '    if not is_below(options.public_url, hook.url):\n        return Untouched("foreign", hook)\n',
        "",
        (
            f"{PLAN}::test_foreign_hook_is_never_touched",
            f"{BIGCOMMERCE}::test_foreign_hooks_are_untouched_and_not_shown",
        ),
    ),
    Mutant(
        "address_is_compared_as_text",
        "Only hooks below public_url are touched: an address that begins like ours counts as ours.",
        "subscriptions/ownership.py",
        "    ours, given = address(base), address(url)\n    if ours is None or given is None:\n        return False\n",
        "    return url.startswith(base)\n    ours, given = address(base), address(url)\n    if ours is None or given is None:\n"
        "        return False\n",
        (f"{OWNERSHIP}::test_all_else_is_foreign",),
    ),
    Mutant(
        "failed_listing_counts_as_empty",
        "A listing that failed changes nothing: everything is registered a second time.",
        "subscriptions/plan.py",
        "            failures[place] = hooks.detail\n            continue\n",
        "            failures[place] = hooks.detail\n            hooks = ()\n",
        (f"{PLAN}::test_place_that_cannot_be_read_gets_nothing",),
    ),
    Mutant(
        "deletion_after_a_failure",
        "A hook is deleted only when what replaces it is active: a failed creation does not end the account's run.",
        "subscriptions/apply.py",
        '        has_failed = applied.outcome != "done"\n',
        "        has_failed = False\n",
        (f"{BIGCOMMERCE}::test_nothing_is_deleted_after_a_failure",),
    ),
    Mutant(
        "old_hook_is_deleted_first",
        "Creation comes before deletion: between both nobody sends.",
        "subscriptions/apply.py",
        "                    detail = await self._make(action, wish) or await self._delete(hook)\n",
        "                    detail = await self._delete(hook) or await self._make(action, wish)\n",
        (f"{INTERRUPTED}::test_upgrade_goes_on",),
    ),
    Mutant(
        "another_plan_is_applied",
        "What was shown is done, or nothing: what changed meanwhile is applied unseen.",
        "console/subscribe/work.py",
        "        if current.digest != shown.digest:\n            raise Changed(current)\n",
        "",
        (f"{BIGCOMMERCE}::test_change_while_the_person_reads_is_noticed",),
    ),
    Mutant(
        "patch_without_the_secret",
        "A hook never loses its secret: GitHub removes it when a change does not carry it.",
        "providers/github/hooks.py",
        'self._sent("PATCH", path, body=_wanted(wish, secret))',
        'self._sent("PATCH", path, body=_wanted(wish, None))',
        (f"{GITHUB}::test_disabled_hook_keeps_its_secret",),
    ),
    Mutant(
        "endpoint_is_active_before_its_secret_is_kept",
        "A secret is in its file before its hook is active: an endpoint gets its events at once.",
        "providers/stripe/hooks.py",
        '            ("enabled_events[]", PLACEHOLDER),\n',
        '            *(("enabled_events[]", topic) for topic in wish.topics),\n',
        (f"{STRIPE}::test_failed_activation_leaves_nothing_active",),
    ),
    Mutant(
        "secret_is_overwritten",
        "A secret that deliveries are signed with is never overwritten.",
        "subscriptions/secret_files.py",
        "            if file.exists() and file.stat().st_size:\n",
        "            if False:\n",
        (f"{FILES}::test_secret_is_never_overwritten",),
    ),
    Mutant(
        "path_of_a_foreign_hook_is_shown",
        "No secret is shown: the path of a chat service's hook is its password.",
        "subscriptions/ownership.py",
        "    return f\"{found.scheme}://{found.host}{port}{'/…' if found.segments or found.has_more else ''}\"\n",
        "    return url\n",
        (f"{BIGCOMMERCE}::test_foreign_hooks_are_untouched_and_not_shown",),
    ),
    Mutant(
        "unsupported_version_is_kept",
        "A version that Shopify does not support replaces nothing: it silently takes its oldest one, run after run.",
        "providers/shopify/hooks.py",
        "        if wish.api_version in (None, hook.api_version):\n",
        "        if True:\n",
        (f"{SHOPIFY}::test_version_that_is_not_supported_replaces_nothing",),
    ),
)
