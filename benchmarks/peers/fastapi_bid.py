"""FastAPI and pydantic at a bid route, as their users write it: decode an OpenRTB request, encode a stub's answer.

The models name the fields that adcascade reads and writes, and like its own they pass over all others; the route's
annotations validate both ways. The order names the port and the answer. It serves until it is ended: uvicorn with
uvloop and httptools, one process, without access log, and with its garbage collector relieved as adcascade's.
"""

import gc
import json
import sys
from typing import Any

try:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel
except ImportError as error:
    print(f"{error.name} is not installed", file=sys.stderr)
    sys.exit(3)


class Format(BaseModel):
    """One size."""

    w: int | None = None
    h: int | None = None


class Banner(BaseModel):
    """A picture or HTML."""

    format: list[Format] | None = None
    w: int | None = None
    h: int | None = None
    btype: list[int] | None = None
    battr: list[int] | None = None
    mimes: list[str] | None = None
    pos: int | None = None
    topframe: int | None = None
    expdir: list[int] | None = None
    api: list[int] | None = None


class Video(BaseModel):
    """A video."""

    mimes: list[str] | None = None
    minduration: int | None = None
    maxduration: int | None = None
    protocols: list[int] | None = None
    w: int | None = None
    h: int | None = None
    startdelay: int | None = None
    linearity: int | None = None
    skip: int | None = None
    delivery: list[int] | None = None


class Native(BaseModel):
    """Parts that the page lays out."""

    request: str
    ver: str | None = None


class Deal(BaseModel):
    """One agreement."""

    id: str
    bidfloor: float | None = None
    bidfloorcur: str | None = None
    at: int | None = None
    wseat: list[str] | None = None
    wadomain: list[str] | None = None


class Pmp(BaseModel):
    """Private marketplace."""

    private_auction: int | None = None
    deals: list[Deal] | None = None


class Imp(BaseModel):
    """One place for an ad."""

    id: str
    banner: Banner | None = None
    native: Native | None = None
    video: Video | None = None
    pmp: Pmp | None = None
    bidfloor: float | None = None
    bidfloorcur: str | None = None
    secure: int | None = None
    instl: int | None = None
    tagid: str | None = None


class Content(BaseModel):
    """What the page shows."""

    cat: list[str] | None = None


class Inventory(BaseModel):
    """A site or an app."""

    id: str | None = None
    domain: str | None = None
    bundle: str | None = None
    page: str | None = None
    search: str | None = None
    cat: list[str] | None = None
    sectioncat: list[str] | None = None
    pagecat: list[str] | None = None
    content: Content | None = None
    ext: dict[str, Any] | None = None


class Geo(BaseModel):
    """Where."""

    country: str | None = None
    region: str | None = None
    city: str | None = None


class Device(BaseModel):
    """On what."""

    devicetype: int | None = None
    geo: Geo | None = None
    dnt: int | None = None
    lmt: int | None = None


class User(BaseModel):
    """To whom."""

    id: str | None = None
    buyeruid: str | None = None
    consent: str | None = None
    geo: Geo | None = None
    ext: dict[str, Any] | None = None


class Regs(BaseModel):
    """Which law applies."""

    coppa: int | None = None
    gdpr: int | None = None
    us_privacy: str | None = None
    gpp: str | None = None
    gpp_sid: list[int] | None = None
    ext: dict[str, Any] | None = None


class BidRequest(BaseModel):
    """What an exchange asks."""

    id: str
    imp: list[Imp]
    site: Inventory | None = None
    app: Inventory | None = None
    device: Device | None = None
    user: User | None = None
    regs: Regs | None = None
    test: int | None = None
    at: int | None = None
    tmax: int | None = None
    wseat: list[str] | None = None
    bseat: list[str] | None = None
    cur: list[str] | None = None
    bcat: list[str] | None = None
    badv: list[str] | None = None
    bapp: list[str] | None = None
    acat: list[str] | None = None
    cattax: int | None = None
    ext: dict[str, Any] | None = None


class Bid(BaseModel):
    """What is offered."""

    id: str
    impid: str
    price: float
    adid: str
    nurl: str
    burl: str
    lurl: str
    adm: str
    adomain: list[str] = []
    iurl: str = ""
    cid: str
    crid: str
    w: int = 0
    h: int = 0
    mtype: int


class SeatBid(BaseModel):
    """By one seat."""

    bid: list[Bid]
    seat: str


class BidResponse(BaseModel):
    """The answer."""

    id: str
    seatbid: list[SeatBid]
    bidid: str = ""
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

    gc.freeze()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=order["port"],
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


main()
