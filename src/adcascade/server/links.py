"""Links: the signed URLs that go out with an ad. The token in them is the resolved bid id."""

from urllib.parse import quote


class Links:
    """Builds tracking URLs below a public URL; macros stay in them for the exchange to fill."""

    def __init__(self, public_url: str) -> None:
        self._base = public_url.rstrip("/")

    def impression(self, token: str) -> str:
        """A pixel; fetching it counts the impression."""
        return f"{self._base}/t/i/{quote(token, safe='')}"

    def click(self, token: str) -> str:
        """Counts the click and leads to the ad's page."""
        return f"{self._base}/t/c/{quote(token, safe='')}"

    def win(self, token: str) -> str:
        """OpenRTB `nurl`: the exchange says that the bid won, and at which price."""
        return f"{self._base}/t/w/{quote(token, safe='')}?price=${{AUCTION_PRICE}}&cur=${{AUCTION_CURRENCY}}"

    def billing(self, token: str) -> str:
        """OpenRTB `burl`: the exchange bills now; counts the impression like the pixel, once."""
        return f"{self._base}/t/b/{quote(token, safe='')}?price=${{AUCTION_PRICE}}&cur=${{AUCTION_CURRENCY}}"

    def loss(self, token: str) -> str:
        """OpenRTB `lurl`: the exchange says why the bid lost, and what would have won."""
        return f"{self._base}/t/l/{quote(token, safe='')}?loss=${{AUCTION_LOSS}}&min=${{AUCTION_MIN_TO_WIN}}"


def is_web_url(url: str, *, secure: bool = False) -> bool:
    """Whether it is an absolute http(s) URL without blanks or control characters; secure: https only."""
    schemes = ("https://",) if secure else ("https://", "http://")
    lowered = url[:8].lower()
    if not lowered.startswith(schemes) or len(url) > 4096:
        return False
    return all(char > " " and char != "\x7f" and char not in '"<>\\' for char in url)
