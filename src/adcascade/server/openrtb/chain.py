"""The supply chain: through whose hands a request came, in the serialized form of the IAB's SupplyChain object.

    version,complete!asi,sid,hp,rid,name,domain!...

It is kept in the log with the request, and passed on as it came to servers whose VAST documents are wrapped. A buyer
adds no node of its own.
"""

from urllib.parse import quote

import msgspec

from adcascade.server.openrtb.extension import extension
from adcascade.server.openrtb.objects import BidRequest, Chain

MOST_NODES = 32
LONGEST = 4096  # characters of the serialized form


def chain_of(request: BidRequest) -> Chain | None:
    """The chain, from its place in 2.6 or the older one; None where there is none or it is damaged."""
    source = request.source
    if source is None:
        return None
    if source.schain is not None:
        return source.schain
    try:
        return msgspec.convert(extension(source.ext).get("schain"), Chain | None, strict=False)
    except msgspec.ValidationError:
        return None


def is_complete(chain: Chain | None) -> bool:
    """Whether every seller is named, and not too many."""
    return chain is not None and chain.complete == 1 and 0 < len(chain.nodes or ()) <= MOST_NODES


def serialized(chain: Chain | None) -> str:
    """The chain in one line; empty where there is none, or where it is too long to be one."""
    if chain is None or not chain.nodes or len(chain.nodes) > MOST_NODES:
        return ""
    nodes = [
        ",".join(quote(str(part), safe="") if part is not None else "" for part in parts).rstrip(",")
        for node in chain.nodes
        for parts in ((node.asi, node.sid, node.hp, node.rid, node.name, node.domain),)
    ]
    text = "!".join([f"{quote(chain.ver or '1.0', safe='.')},{chain.complete or 0}", *nodes])
    return text if len(text) <= LONGEST else ""
