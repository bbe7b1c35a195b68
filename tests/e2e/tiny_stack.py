"""`penstock up` with tiny programs in place of ingress, worker and loader; run as a program by test_stack.py.

The ingress answers on both its ports, shows its environment and process id, and dies on request; the others answer on their own.
Without a warehouse the loader ends at once, as the real one does.
"""

import json
import os
import signal
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.stack import INGRESS, LOADER, WORKER, Options, Ready, up


def main() -> None:
    """Run the program named by the first argument."""
    part, *arguments = sys.argv[1:]
    match part:
        case "ingress":
            _door(*map(int, arguments))
        case "worker" | "loader":
            _process(*map(int, arguments))
        case "unusable":
            sys.stderr.write("penstock: the warehouse cannot be opened\n")
            sys.exit(2)
        case _:
            sys.exit(_up(Path(part), *map(int, arguments)))


def _up(data_dir: Path, *numbers: int) -> int:
    port, kafka_port, registry_port, operations_port, worker_port, loader_port = numbers
    options = Options(
        data_dir,
        port,
        kafka_port,
        registry_port,
        operations_port,
        sample=True,
        worker_operations_port=worker_port,
        loader_operations_port=loader_port,
    )
    ingress = replace(INGRESS, command=lambda ready: _this("ingress", str(ready.port), str(ready.operations_port)))
    worker = replace(WORKER, command=lambda ready: _this("worker", str(ready.worker_operations_port)))
    loader = replace(LOADER, command=_loader)
    return up(options, _demo, _note_ready, (ingress, worker, loader))


def _loader(ready: Ready) -> list[str]:
    is_usable = not (ready.data_dir.parent / "unusable").exists()
    return _this("loader", str(ready.loader_operations_port)) if is_usable else _this("unusable")


def _demo(data_dir: Path, _store_port: int) -> Path:
    path = data_dir / "demo.toml"
    path.write_text("")
    return path


def _note_ready(ready: Ready) -> None:
    (ready.data_dir / "sampled").write_text(ready.ingress_url)


def _this(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.e2e.tiny_stack", *arguments]


def _door(port: int, operations_port: int) -> None:
    class IngressApp(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/die":
                sys.stdout.write("the ingress was asked to die\n")
                sys.stdout.flush()
                os._exit(3)
            answer = {name: value for name, value in os.environ.items() if name.startswith("PENSTOCK_")}
            body = json.dumps(answer | {"pid": str(os.getpid())}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    operations = ThreadingHTTPServer(("127.0.0.1", operations_port), IngressApp)
    threading.Thread(target=operations.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", port), IngressApp).serve_forever()


def _process(operations_port: int) -> None:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", operations_port), Ready).serve_forever()


if __name__ == "__main__":
    main()
