"""FastAPI and pydantic at a bid route: decode an OpenRTB request, encode an answer that is always the same.

The order names the port and the answer. It serves until it is ended. uvicorn with uvloop and httptools, one process.
"""

import json
import sys
from typing import Any

try:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel, ConfigDict
except ImportError as error:
    print(f"{error.name} is not installed", file=sys.stderr)
    sys.exit(3)


class Open(BaseModel):
    """Fields that are not named are kept."""

    model_config = ConfigDict(extra="allow")


class Banner(Open):
    """A banner's sizes."""

    format: list[dict[str, int]] = []
    pos: int | None = None


class Imp(Open):
    """One place for an ad."""

    id: str
    bidfloor: float = 0.0
    banner: Banner | None = None


class Publisher(Open):
    """Whose site."""

    id: str = ""
    name: str = ""
    domain: str = ""
    cat: list[str] = []


class Site(Open):
    """Where."""

    id: str = ""
    domain: str = ""
    page: str = ""
    cat: list[str] = []
    publisher: Publisher | None = None


class Device(Open):
    """On what."""

    ua: str = ""
    ip: str = ""
    devicetype: int | None = None
    geo: dict[str, Any] = {}
    ext: dict[str, Any] = {}


class User(Open):
    """To whom."""

    id: str = ""
    buyeruid: str = ""


class BidRequest(Open):
    """What an exchange asks."""

    id: str
    imp: list[Imp]
    at: int = 2
    tmax: int | None = None
    cur: list[str] = []
    site: Site | None = None
    device: Device | None = None
    user: User | None = None
    regs: dict[str, Any] = {}
    bcat: list[str] = []
    badv: list[str] = []


class Bid(Open):
    """What is offered."""

    id: str
    impid: str
    price: float


class SeatBid(Open):
    """By one seat."""

    bid: list[Bid]


class BidResponse(Open):
    """The answer."""

    id: str
    seatbid: list[SeatBid]
    cur: str = "USD"


def main() -> None:
    """Serve."""
    order = json.loads(sys.argv[1])
    answer = BidResponse.model_validate(order["answer"])
    app = FastAPI()

    @app.post("/openrtb2/bid")
    async def bid(request: BidRequest) -> BidResponse:
        assert request.imp
        return answer

    uvicorn.run(app, host="127.0.0.1", port=order["port"], loop="uvloop", http="httptools", log_level="error")


main()
