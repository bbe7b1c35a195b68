"""Ambiguous requests, by name: what a proxy and the ingress could read in two ways. Each is written anew for every use."""

from collections.abc import Callable

from tests.proxies.corpus.bodies import BODIES
from tests.proxies.corpus.case import Author, Case
from tests.proxies.corpus.connections import CONNECTIONS
from tests.proxies.corpus.fields import FIELDS
from tests.proxies.corpus.targets import TARGETS

CORPUS: dict[str, Callable[[Author], Case]] = {**BODIES, **CONNECTIONS, **TARGETS, **FIELDS}


def family(name: str) -> str:
    """Return the part of a case's name that it shares with others of its kind."""
    return name.partition(":")[0]


FAMILIES = tuple(dict.fromkeys(map(family, CORPUS)))


def members(of: str) -> dict[str, Callable[[Author], Case]]:
    """Return the cases of a family."""
    return {name: build for name, build in CORPUS.items() if family(name) == of}
