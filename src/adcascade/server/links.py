"""Links: the signed URLs that go out with an ad. The token in them is the resolved bid id."""

import re
from functools import lru_cache
from urllib.parse import quote

LONGEST = 4096  # characters of a URL
WEB = re.compile(r"http(s?)://[^\x00-\x20\x7f\"<>\\]+", re.IGNORECASE)
COUNT = "count=1"
NAMED = "auction=${AUCTION_ID}&bid=${AUCTION_BID_ID}&imp=${AUCTION_IMP_ID}&seat=${AUCTION_SEAT_ID}&ad=${AUCTION_AD_ID}"
PRICED = "price=${AUCTION_PRICE}&cur=${AUCTION_CURRENCY}&mbr=${AUCTION_MBR}&min=${AUCTION_MIN_TO_WIN}"
SOLD = f"{PRICED}&{NAMED}"
PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class Links:
    """Builds tracking URLs below a public URL; macros stay in them for the exchange to fill."""

    def __init__(self, public_url: str) -> None:
        self.base = public_url.rstrip("/")

    def impression(self, token: str) -> str:
        """A pixel; fetching it counts the impression."""
        return f"{self.base}/t/i/{one_step(token)}"

    def viewable(self, token: str) -> str:
        """Counts a viewable impression; the script at `script` fetches it."""
        return f"{self.base}/t/v/{one_step(token)}"

    @property
    def script(self) -> str:
        """The script that measures viewability."""
        return f"{self.base}/adcascade.js"

    def click(self, token: str) -> str:
        """Counts the click and leads to the ad's page."""
        return f"{self.base}/t/c/{one_step(token)}"

    def click_count(self, token: str) -> str:
        """Counts the click and leads nowhere: for a player that goes to the page by itself."""
        return f"{self.base}/t/c/{one_step(token)}?{COUNT}"

    def error(self, token: str) -> str:
        """VAST `Error`: the player says what went wrong."""
        return f"{self.base}/t/e/{one_step(token)}?code=[ERRORCODE]"

    def win(self, token: str) -> str:
        """OpenRTB `nurl`: the exchange says that the bid won, and at which price."""
        return f"{self.base}/t/w/{one_step(token)}?{SOLD}"

    def billing(self, token: str) -> str:
        """OpenRTB `burl`: the exchange bills now; counts the impression like the pixel, once."""
        return f"{self.base}/t/b/{one_step(token)}?{SOLD}&multiplier=${{AUCTION_MULTIPLIER}}&seen=${{AUCTION_IMP_TS}}"

    def loss(self, token: str) -> str:
        """OpenRTB `lurl`: the exchange says why the bid lost, and what would have won."""
        return f"{self.base}/t/l/{one_step(token)}?{SOLD}&loss=${{AUCTION_LOSS}}"


@lru_cache(maxsize=4_096)  # pictures and pages of the catalog come again and again
def is_web_url(url: str, *, secure: bool = False) -> bool:
    """Whether it is an absolute http(s) URL without blanks, quotes or control characters; secure: https only."""
    found = WEB.fullmatch(url)
    return found is not None and len(url) <= LONGEST and not (secure and not found[1])


@lru_cache(maxsize=64)  # the links of one bid hold the same token
def one_step(token: str) -> str:
    """The token as one step of a path; the signer's own alphabet needs no escape."""
    return token if PLAIN.fullmatch(token) else quote(token, safe="")
