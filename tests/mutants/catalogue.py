"""All mutants, those that cost seconds first."""

from typing import Final

from tests.mutants.connecting import CONNECTING
from tests.mutants.consuming import CONSUMING
from tests.mutants.containing import CONTAINING
from tests.mutants.deciding import DECIDING
from tests.mutants.echoing import ECHOING
from tests.mutants.encoding import ENCODING
from tests.mutants.entering import ENTERING
from tests.mutants.fetching import FETCHING
from tests.mutants.framing import FRAMING
from tests.mutants.governing import GOVERNING
from tests.mutants.hydrating import HYDRATING
from tests.mutants.identifying import IDENTIFYING
from tests.mutants.leaving import LEAVING
from tests.mutants.listing import LISTING
from tests.mutants.loading import LOADING
from tests.mutants.mending import MENDING
from tests.mutants.mutant import Mutant
from tests.mutants.naming import NAMING
from tests.mutants.operating import OPERATING
from tests.mutants.ordering import ORDERING
from tests.mutants.querying import QUERYING
from tests.mutants.reading import READING
from tests.mutants.reconciling import RECONCILING
from tests.mutants.rendering import RENDERING
from tests.mutants.replaying import REPLAYING
from tests.mutants.retrying import RETRYING
from tests.mutants.showing import SHOWING
from tests.mutants.signing import SIGNING
from tests.mutants.subscribing import SUBSCRIBING
from tests.mutants.timing import TIMING
from tests.mutants.transacting import TRANSACTING
from tests.mutants.typing import TYPING
from tests.mutants.viewing import VIEWING

MUTANTS: Final[tuple[Mutant, ...]] = (
    *CONNECTING, *CONTAINING, *DECIDING, *ECHOING, *ENTERING, *FETCHING, *FRAMING, *LEAVING, *LISTING, *LOADING, *GOVERNING,
    *HYDRATING, *MENDING, *SHOWING, *SIGNING, *RETRYING, *CONSUMING, *IDENTIFYING, *NAMING, *ORDERING, *QUERYING, *READING,
    *RENDERING, *TIMING, *OPERATING, *REPLAYING, *SUBSCRIBING, *TRANSACTING, *TYPING, *ENCODING, *VIEWING,
    *RECONCILING,
)  # fmt: skip
