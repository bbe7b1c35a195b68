"""`penstock demo-store`: the made-up BigCommerce store of `penstock up`, which starts it; hidden, because people need not."""

from console.options import DATA_DIR, ConfigOption, DataDirOption


def demo_store(config: ConfigOption = None, data_dir: DataDirOption = DATA_DIR) -> None:
    """Serve the demo's BigCommerce store on 127.0.0.1, at the `api_url` of the configuration, until told to stop.

    Its changes are kept in --data-dir. SIGTERM and SIGINT end it with 0.
    """
    import os

    from console.errors import Misused
    from console.options import configuration_path, load_configuration
    from simulator.demo_store.address import PREFERRED_PORT, STORE, store_address
    from simulator.demo_store.service import serve_demo_store

    address = store_address(load_configuration(config, data_dir))
    if address is None:
        raise Misused(
            f"{configuration_path(config, data_dir)} names no demo store: expected a bigcommerce source with "
            f'api_url = "http://127.0.0.1:{PREFERRED_PORT}" and api_tokens = {{ {STORE} = "file:…" }}'
        )
    serve_demo_store(address, address.token(os.environ), data_dir / "store" / f"{address.source}.jsonl")
