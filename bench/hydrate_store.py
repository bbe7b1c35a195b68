"""`python -m bench.hydrate_store PRODUCTS`: a fake BigCommerce store without a quota; prints its address."""

import sys
import time
from datetime import UTC, datetime

from simulator.providers.bigcommerce.documents import product
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.quota import WindowQuota
from simulator.providers.serving import serving

STORE, TOKEN = "bench", "made-up"
UNLIMITED = 1_000_000


def main() -> None:
    """Serve until ended."""
    clock = Clock(datetime.now(UTC), speed=1.0)
    fake = FakeBigCommerce(clock, WindowQuota(clock.now, UNLIMITED))
    fake.add_store(STORE, TOKEN)
    for number in range(int(sys.argv[1])):
        fake.put(STORE, "product", product(number, fake.clock.now()))
    with serving(bigcommerce_app(fake), fake.faults) as server:
        print(f"serving {server.url}", flush=True)
        while True:
            time.sleep(60)
            print(f"requests {len(fake.seen)}", flush=True)


if __name__ == "__main__":
    main()
