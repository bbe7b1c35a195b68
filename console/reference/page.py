"""docs/reference.md: topics, fields, headers, outcomes and metrics on one page."""

from collections.abc import Iterable, Iterator
from typing import Final

from console.reference.fields import fields_section
from console.reference.headers import headers_section
from console.reference.metrics import metrics_section
from console.reference.outcomes import outcomes_section
from console.reference.topics import topics_section, types_section

INTRODUCTION: Final = """\
# Reference

<!-- Made by `make docs` from the code (console/reference/). Edit the code, then run it. -->

What is on Penstock's topics, for those who read them. [For data teams](data-teams.md) tells how to read them without a gap;
[asyncapi.yaml](asyncapi.yaml) says the same to programs, and [schemas/](schemas/) describes the documents of each resource.
"""

TOPICS: Final = """\
The policy is that of a topic that Penstock creates; one that exists keeps its own. `penstock check` counts the topics of a
configuration.
"""

TYPES: Final = """\
These have topics of their own; all others of the provider share `changes.<provider>.other` and `state.<provider>.other`.
Documents of those in bold are [typed](typed-values.md#on-the-topics).
"""

RECORDS: Final = """\
Values are Avro in Confluent's wire format: a zero byte, the schema's id in four bytes, the record. Subjects are
`<topic>-value`, compatibility is `BACKWARD_TRANSITIVE`: a reader with the newest schema can read every record ever written.
Where the documents of a topic are [typed](typed-values.md#on-the-topics), `before`, `after` and `document` are records with
columns instead of text, and [schemas/](schemas/) has the schemas.
Keys are UTF-8 text: `provider|source|tenant|resource type|resource id`. The id may contain `|`, so split at the first four.
"""

HEADERS: Final = """\
Records of `webhooks.raw`, and their copies by raw routes, have these headers. Records of all other topics have none.
"""

OUTCOMES: Final = """\
Every record of `webhooks.raw` has exactly one outcome on `deliveries.outcomes`. [What the pipeline decides](semantics.md)
explains them with examples.
"""

METRICS: Final = """\
On `/metrics` of each process's operations port, with `process_*` of the process itself. A histogram has `_bucket`, `_sum`
and `_count`.
"""


def reference_page() -> str:
    """Return docs/reference.md."""
    sections = (
        _section("Topics", TOPICS, topics_section()),
        _section("Resource types", TYPES, types_section()),
        _section("Records", RECORDS, fields_section()),
        _section("Headers", HEADERS, headers_section()),
        _section("Outcomes", OUTCOMES, outcomes_section()),
        _section("Metrics", METRICS, metrics_section()),
    )
    return "\n".join([INTRODUCTION, *(line for section in sections for line in section)]).rstrip() + "\n"


def _section(title: str, introduction: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield introduction
    yield from lines
    yield ""
