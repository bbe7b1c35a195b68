"""The ingress with uvicorn's own HTTP parsing in place of Penstock's: a mutant that proves that the harness fails.

Run as a prefix of the ingress's command line, which follows.
"""

import sys

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from console.cli import main
from ingress import serve
from ingress.server.protocol import protocol_factory

if __name__ == "__main__":
    vars(serve)[protocol_factory.__name__] = lambda *_arguments, **_named: HttpToolsProtocol
    sys.argv = sys.argv[1:]
    main()
