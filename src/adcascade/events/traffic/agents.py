"""User agents that say themselves that they are robots.

Our own patterns name what robots, libraries and test browsers call themselves; a file of the installation adds
others, one text a line, found anywhere in the agent whatever its case; what follows a # is a comment.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

NAMED = (
    r"(?<!cu)bots?\b",  # Googlebot/2.1, AdsBot-Google; CUBOT makes telephones
    r"\bbot",
    r"crawl",
    r"spider",
    r"scrap(?:er|y)",
    r"slurp",
    r"headless",
    r"phantomjs",
    r"selenium|webdriver|puppeteer|playwright|cypress",
    r"lighthouse|pagespeed|gtmetrix|pingdom|uptime|statuscake",
    r"facebookexternalhit|embedly|preview",
    r"archiver|httrack|wget\b|curl/|libwww|lwp-|winhttp",
    r"python-|aiohttp|httpx/|urllib|go-http-client|java/|axios/|node-fetch|ruby|perl|php/",
    r"feedfetcher|feedburner|validator|monitor(?:ing)?\b|scan(?:ner)?\b",
)


KNOWN = 4096  # agents whose verdict is remembered: a browser's version is that of many


class Agents:
    """Patterns of robots: the named ones and `further` plain texts."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._pattern = re.compile("|".join((*NAMED, *map(re.escape, further))), re.IGNORECASE)
        self._known = lru_cache(KNOWN)(self._search)

    def named_in(self, agent: str) -> str:
        """What in the agent betrays a robot, "none" where it says nothing; "" where it may be a shopper's."""
        return self._known(agent)

    def _search(self, agent: str) -> str:
        if not agent.strip():
            return "none"
        found = self._pattern.search(agent)
        return found[0].lower() if found else ""


def parse_agents(lines: Iterable[str], name: str) -> Agents:  # noqa: ARG001  as parse_networks; any text is a pattern
    """The named patterns and those of a file's lines."""
    texts = (line.partition("#")[0].strip() for line in lines)
    return Agents(text for text in texts if text)
