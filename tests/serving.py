"""A server of the standard library's on a free loopback port and a thread of its own, for stand-ins of all kinds."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Serving:
    """It serves from the start until it is stopped, each request on a thread; `url` is where."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name=name)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """End it and its thread."""
        self._server.shutdown()
        self._thread.join(60)
        self._server.server_close()
