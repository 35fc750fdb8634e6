"""Small real web sites for the browser: a publisher's, an advertiser's. Each has an origin of its own."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

Content = tuple[str, bytes]  # media type, body


class Heard(NamedTuple):
    """A request that a site was sent."""

    path: str
    referer: str | None


class Site:
    """Serves fixed pages at a free port of 127.0.0.1 and remembers who asked; a context manager."""

    def __init__(self, pages: Mapping[str, Content]) -> None:
        self.pages = pages
        heard: list[Heard] = []

        class Handler(BaseHTTPRequestHandler):
            timeout = 1.0  # browsers open connections that they do not use

            def do_GET(self) -> None:
                heard.append(Heard(self.path, self.headers.get("referer")))
                kind, body = pages.get(urlsplit(self.path).path, ("text/plain", b""))
                self.send_response(200 if body else 404)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:  # what is heard is kept, not printed
                pass

        self.heard = heard
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # closing waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
