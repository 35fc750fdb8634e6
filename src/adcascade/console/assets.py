"""Assets: the built files below `static/`, under names that hold their content, so that browsers keep them for good."""

import gzip
import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adcascade.console.headers import HEADERS

BASE = "/console/static/"
TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
SMALLEST = 1_000  # bytes from which it is worth packing


class Assets:
    """Reads the files once. A file changes its address with its content."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytes, bytes]] = {}  # address -> media type, plain, packed
        self._address: dict[str, str] = {}
        for file in (files("adcascade.console") / "static").iterdir():
            stem, _, ending = file.name.rpartition(".")
            if ending in TYPES:
                content = file.read_bytes()
                address = f"{BASE}{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
                packed = gzip.compress(content, 9, mtime=0) if len(content) >= SMALLEST else b""
                self._files[address], self._address[file.name] = (TYPES[ending], content, packed), address

    def address(self, name: str) -> str:
        """Where browsers find a file, such as "console.js"."""
        return self._address[name]

    def routes(self) -> list[Route]:
        """One a file."""
        return [Route(address, self.answer) for address in self._files]

    async def answer(self, request: Request) -> Response:
        """The file; 304 where the browser has it."""
        media, content, packed = self._files[request.url.path]
        tag = f'"{request.url.path.rsplit(".", 2)[1]}"'
        headers = HEADERS | {"cache-control": FOREVER, "etag": tag, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if packed and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, headers=headers | {"content-type": media, "content-encoding": "gzip"})
        return Response(content, headers=headers | {"content-type": media})
