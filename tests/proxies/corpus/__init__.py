"""Ambiguous requests, by name, which a proxy and the ingress could read differently. Each is generated for every use."""

from collections.abc import Callable

from tests.proxies.corpus.bodies import BODIES
from tests.proxies.corpus.case import Author, Case
from tests.proxies.corpus.connections import CONNECTIONS
from tests.proxies.corpus.fields import FIELDS
from tests.proxies.corpus.targets import TARGETS

CORPUS: dict[str, Callable[[Author], Case]] = {**BODIES, **CONNECTIONS, **TARGETS, **FIELDS}


def family(name: str) -> str:
    """Return the part of a case's name that others of its kind share."""
    return name.partition(":")[0]


FAMILIES = tuple(dict.fromkeys(map(family, CORPUS)))


def members(of: str) -> dict[str, Callable[[Author], Case]]:
    """Return the cases of a family."""
    return {name: build for name, build in CORPUS.items() if family(name) == of}
