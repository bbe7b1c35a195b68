"""GitHub's resources as its REST API shows them, one by one: the objects of the webhooks, with a few fields more. Pure.

GitHub's deliveries contain the whole resource, so none needs a read by itself. The fields that only REST shows are left out:
they would come with a read and go with the next delivery, and some are the token's own (`permissions`, `temp_clone_token`).
Source: GitHub's REST API description 2022-11-28; the column tables, which are made from its webhook schemas.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from providers.api import Wanted
from providers.base import Parsed, Unparsed
from providers.github.events import RULES
from providers.github.provider import snapshot_of
from providers.github.resources import Occasion
from providers.reading import text_id
from schemas.records import Document, RawDelivery, Snapshot
from schemas.typed.columns import column_table

EVENTS: Final[Mapping[str, str]] = {
    "check_run": "check_run",
    "check_suite": "check_suite",
    "deployment": "deployment",
    "issue": "issues",
    "label": "label",
    "milestone": "milestone",
    "pull_request": "pull_request",
    "release": "release",
    "repository": "repository",
    "workflow_job": "workflow_job",
    "workflow_run": "workflow_run",
}
"""The types that can be read, and the event of each. Their documents name the resource and its parent by themselves."""

READABLE: Final = frozenset(EVENTS)

# Of the types without a column table, and what no column can be called. Source: the examples of octokit/webhooks.
_FIELDS: Final[Mapping[str, str]] = {
    "check_suite": """
        after app before check_runs_url conclusion created_at head_branch head_commit head_sha id latest_check_runs_count
        node_id pull_requests rerequestable runs_rerequestable status updated_at url
    """,
    "deployment": """
        created_at creator description environment id node_id original_environment payload performed_via_github_app
        production_environment ref repository_url sha statuses_url task transient_environment updated_at url
    """,
    "milestone": """
        closed_at closed_issues created_at creator description due_on html_url id labels_url node_id number open_issues
        state title updated_at url
    """,
    "pull_request": "_links",
}
# In the schemas that the column tables are made from, and in none of the examples: they share a schema with REST. Two are the
# token's own: its rights, and a credential.
_ONLY_IN_REST: Final[Mapping[str, str]] = {
    "repository": """
        allow_auto_merge allow_forking allow_merge_commit allow_rebase_merge allow_squash_merge allow_update_branch
        anonymous_access_enabled delete_branch_on_merge master_branch merge_commit_message merge_commit_title network_count
        organization permissions squash_merge_commit_message squash_merge_commit_title starred_at subscribers_count
        temp_clone_token template_repository use_squash_pr_title_as_default
    """,
}
_ENTERPRISE: Final = "/api/v3"
_ROOTS: Final = ("/repos/", "/repositories/")


def needs_read(snapshot: Snapshot) -> bool:  # noqa: ARG001  the same interface for every provider
    """Say that no delivery of GitHub needs a read: each contains its resource."""
    return False


def wanted(snapshot: Snapshot, delivery: RawDelivery) -> Wanted | None:
    """Return how to read what a delivery's snapshot is about, None if nothing can: the type, or a deletion, which has no URL."""
    document = snapshot.document
    if snapshot.resource_type not in READABLE or document is None:
        return None
    reference = reference_of(document.get("url"))
    if reference is None:
        return None
    return Wanted(snapshot.resource_type, snapshot.resource_id, reference, api_version=delivery.api_version)


def reference_of(url: object) -> str | None:
    """Return the path below the API's address that a resource's URL names, None if it names none of a repository."""
    if not isinstance(url, str) or not (url.isascii() and url.isprintable()):
        return None
    try:
        path = urlsplit(url).path.removeprefix(_ENTERPRISE)
    except ValueError:
        return None
    is_safe = not any(part in ("", ".", "..") for part in path.split("/")[1:]) and "\\" not in path
    return path if is_safe and path.startswith(_ROOTS) else None


def document_of(resource_type: str, document: Document) -> Document:
    """Return an object of the REST API with the fields that its webhooks show."""
    fields = _fields(resource_type)
    return {name: value for name, value in document.items() if name in fields}


def parse_fetched(resource_type: str, document: Document, read_at: datetime) -> Parsed | Unparsed:
    """Return what a document of `document_of` tells; `read_at` is the time at which the read started (aware UTC).

    The resource's own times order it, as in its deliveries; without any, that of the read, in whole seconds as GitHub's are. It
    is partial: nested objects have fewer fields than in the webhooks (the suite of a check run is its id).
    """
    event = EVENTS.get(resource_type)
    rule = RULES.get(event) if event else None
    if event is None or rule is None or rule.main is None or text_id(document.get("id")) is None:
        return Unparsed("unknown_shape", f"expected a {resource_type} with an id")
    # Without an event there is no action; a read is at least as late as any that GitHub stamps with the same second.
    snapshot = snapshot_of(rule, Occasion(event, {rule.main: document}, "", None))
    if isinstance(snapshot, Unparsed):
        return snapshot
    event_time = snapshot.event_time or read_at.replace(microsecond=0)
    return Parsed((replace(snapshot, event_time=event_time, is_partial=True),))


@lru_cache(maxsize=64)
def _fields(resource_type: str) -> frozenset[str]:
    table = column_table("github", resource_type)
    names = frozenset(column.name for column in table.columns) if table else frozenset()
    return names.union(_FIELDS.get(resource_type, "").split()) - set(_ONLY_IN_REST.get(resource_type, "").split())
