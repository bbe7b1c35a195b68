"""The noisy history of resources at a provider, delivery by delivery: the one story of the demo, the tests and the benchmarks.

Pure, and the same for the same random generator. A `Scene` has no provider's notation: its reader writes the body and signs it.
"""

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

Kind = Literal[
    "new",  # another version with other content; the first one, and the first after a deletion, creates the resource
    "tied",  # other content under the same time, like two updates within a tick of the provider's clock
    "unchanged",  # another version with the same content
    "repeated",  # the same delivery again, as after a lost answer
    "doubled",  # the same version in another delivery, as to a second subscription
    "overtaken",  # a version older than the last one
    "deleted",
    "forged",  # signed with another secret
    "unreadable",  # cut short
]
Verb = Literal["created", "updated", "deleted"]
OUTCOMES: Final[Mapping[Kind, str]] = {
    "new": "changed",
    "tied": "changed",
    "unchanged": "unchanged",
    "repeated": "duplicate",
    "doubled": "duplicate",
    "overtaken": "stale",
    "deleted": "changed",
    "forged": "refused",
    "unreadable": "dead",
}
"""The outcome of each kind when deliveries are decided in this order and the provider sends whole documents with their times."""

STRANGE: Final = 1000  # added to the content of what never becomes the resource's state
LATE: Final = timedelta(seconds=1)  # an overtaken delivery is older by this than the one before


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of a resource: `number` tells it from all others, `content` decides everything except times."""

    number: int
    content: int
    moment: datetime
    verb: Verb = "updated"


@dataclass(frozen=True, slots=True)
class Turn:
    """One delivery. Turns of one `number` are one delivery, posted more than once."""

    kind: Kind
    number: int
    scene: Scene


class Resource(Struct):
    """The state of a resource at its provider: how often it was shown newer, really changed, and shown late since then."""

    number: int
    version: int = 0
    content: int = 0
    late: int = 0
    is_deleted: bool = False

    @property
    def exists(self) -> bool:
        """Say whether the resource has been created, and not deleted since."""
        return self.version > 0 and not self.is_deleted


class Mix(Struct, frozen=True):
    """The numbers of deliveries and resources, and the share of each kind; all others are `new`."""

    deliveries: int
    resources: int
    repeated: float = 0.10
    overtaken: float = 0.05
    unchanged: float = 0.05
    doubled: float = 0.0
    tied: float = 0.0
    deleted: float = 0.0
    recent: int = 50  # a repetition follows its original within this many deliveries, like a provider's quick retry
    seed: int = 1

    def kind(self, draw: float) -> Kind:
        """Return the kind for a number between 0 and 1."""
        shares: tuple[tuple[Kind, float], ...] = (
            ("repeated", self.repeated),
            ("overtaken", self.overtaken),
            ("unchanged", self.unchanged),
            ("doubled", self.doubled),
            ("tied", self.tied),
            ("deleted", self.deleted),
        )
        for kind, share in shares:
            if draw < share:
                return kind
            draw -= share
        return "new"


class History:
    """Tells deliveries one by one. The versions of a resource are `step` apart, counted from `begin`."""

    def __init__(self, begin: datetime, step: timedelta, recent: int, chance: random.Random) -> None:
        self._begin = begin
        self._step = step
        self._recent: deque[Turn] = deque(maxlen=recent)
        self._chance = chance
        self._count = 0

    def tell(self, resource: Resource, kind: Kind) -> Turn:
        """Return the next delivery about a resource, and advance the resource.

        What is impossible (a deletion of what does not exist, a repetition of nothing) becomes `new`, as `Turn.kind` says.
        """
        number, self._count = self._count, self._count + 1
        if kind == "repeated" and self._recent:
            return replace(self._recent[self._chance.randrange(len(self._recent))], kind="repeated")
        if kind in {"forged", "unreadable"}:
            return Turn(kind, number, self._scene(resource, resource.content + STRANGE))
        turn = self._accepted(resource, kind, number)
        self._recent.append(turn)
        return turn

    def _accepted(self, resource: Resource, kind: Kind, number: int) -> Turn:
        if kind == "overtaken" and resource.version and (resource.late + 1) * LATE < self._step:
            resource.late += 1
            scene = self._scene(resource, resource.content + STRANGE)
            return Turn(kind, number, replace(scene, moment=scene.moment - resource.late * LATE))
        if kind in {"doubled", "tied"} and resource.exists:
            resource.content += kind == "tied"
            return Turn(kind, number, self._scene(resource, resource.content))
        return self._newer(resource, kind, number)

    def _newer(self, resource: Resource, kind: Kind, number: int) -> Turn:
        existed = resource.exists
        resource.version, resource.late = resource.version + 1, 0
        if kind == "deleted" and existed:
            resource.is_deleted = True
            return Turn(kind, number, self._scene(resource, resource.content, "deleted"))
        if kind == "unchanged" and existed:
            return Turn(kind, number, self._scene(resource, resource.content))
        resource.content, resource.is_deleted = resource.content + 1, False
        return Turn("new", number, self._scene(resource, resource.content, "updated" if existed else "created"))

    def _scene(self, resource: Resource, content: int, verb: Verb = "updated") -> Scene:
        return Scene(resource.number, content, self._begin + resource.version * self._step, verb)


def noise(mix: Mix, begin: datetime, step: timedelta) -> Iterator[Turn]:
    """Yield a mix's turns, about resources numbered from 0 on, chosen at random."""
    chance = random.Random(mix.seed)  # noqa: S311  # reproducible noise, no secret
    history = History(begin, step, mix.recent, chance)
    resources = [Resource(number) for number in range(mix.resources)]
    for _ in range(mix.deliveries):
        kind = mix.kind(chance.random())
        yield history.tell(resources[chance.randrange(mix.resources)], kind)
