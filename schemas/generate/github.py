"""GitHub: the OpenAPI description of its webhooks, one schema per event and action."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.generate.fields import (
    Field,
    Files,
    Resources,
    Schema,
    SourceError,
    elements,
    properties,
    types_and_formats,
    united,
)

FILE: Final = "package/generated/api.github.com.json"

VIEWS: Final[Mapping[str, str]] = {
    "check_run": "check-run:check_run",
    "commit": "push:commits",
    "commit_comment": "commit-comment:comment",
    "issue": "issues:issue",
    "issue_assignee": "issues:issue.assignees",
    "issue_comment": "issue-comment:comment",
    "issue_label": "issues:issue.labels",
    "label": "label:label",
    "pull_request": "pull-request:pull_request",
    "pull_request_assignee": "pull-request:pull_request.assignees",
    "pull_request_label": "pull-request:pull_request.labels",
    "pull_request_review": "pull-request-review:review",
    "pull_request_review_comment": "pull-request-review-comment:comment",
    "push": "push",
    "release": "release:release",
    "repository": "repository:repository",
    "workflow_job": "workflow-job:workflow_job",
    "workflow_run": "workflow-run:workflow_run",
}
"""The event that shows a resource; after a colon, the path of the field that holds it or lists it."""

# Events whose names begin like another's: an action has none of these words first.
_LONGER: Final = ("review-", "thread-", "comment-", "advisory-", "dispatch-", "import", "ruleset-", "vulnerability-")


def resources(files: Files, views: Mapping[str, str] = VIEWS) -> Resources:
    """Return the fields of each resource over all actions of its event."""
    if FILE not in files:
        raise SourceError(f"GitHub: expected the file {FILE} in the package")
    definitions = json.loads(files[FILE])["components"]["schemas"]
    return {name: _resource(name, view, definitions) for name, view in views.items()}


def _resource(name: str, view: str, definitions: Mapping[str, Schema]) -> tuple[Field, ...]:
    event, _, path = view.partition(":")
    schemas = [schema for key, schema in definitions.items() if _is_of(key, event)]
    for field in filter(None, path.split(".")):
        schemas = [inner for schema in schemas for inner in _inside(schema, field, definitions)]
    fields = united(*(_fields(schema, definitions) for schema in schemas))
    if not fields:
        raise SourceError(f"GitHub: expected schemas of {view} for {name}, found none with fields")
    return fields


def _is_of(key: str, event: str) -> bool:
    """Say whether a definition is that of an event, with or without an action."""
    if key == f"webhook-{event}":
        return True
    action = key.removeprefix(f"webhook-{event}-")
    return action != key and not action.startswith(_LONGER)


def _inside(schema: Schema, field: str, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    for found in properties(schema, definitions).get(field, ()):
        yield from elements(found, definitions)
        yield found


def _fields(schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[Field]:
    for name, schemas in properties(schema, definitions).items():
        types, formats = types_and_formats(schemas, definitions)
        is_time = "date-time" in formats or name.endswith("_at")
        yield Field(name, types or frozenset({"string"}), "time" if is_time else "")
