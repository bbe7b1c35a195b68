"""All flaws, those that cost seconds first."""

from typing import Final

from tests.flaws.connecting import CONNECTING
from tests.flaws.containing import CONTAINING
from tests.flaws.deciding import DECIDING
from tests.flaws.entering import ENTERING
from tests.flaws.flaw import Flaw
from tests.flaws.framing import FRAMING
from tests.flaws.leaving import LEAVING
from tests.flaws.operating import OPERATING
from tests.flaws.replaying import REPLAYING
from tests.flaws.retrying import RETRYING
from tests.flaws.showing import SHOWING
from tests.flaws.signing import SIGNING
from tests.flaws.transacting import TRANSACTING

FLAWS: Final[tuple[Flaw, ...]] = (
    *CONNECTING, *CONTAINING, *DECIDING, *ENTERING, *FRAMING, *LEAVING, *SHOWING, *SIGNING, *RETRYING,
    *OPERATING, *REPLAYING, *TRANSACTING,
)  # fmt: skip
