"""TowerSearch: two exported towers and the index of the ads' vectors, as one Searcher."""

from adcascade.catalog.packed.image import Array, Image
from adcascade.contracts import Batch
from adcascade.retrieval.index import AdIndex
from adcascade.retrieval.inverted_file import IndexConfig
from adcascade.retrieval.searcher import Bits, Floats, Rows
from adcascade.retrieval.towers import Towers


class TowerSearch:
    """A query is the request's vector [K]."""

    def __init__(self, towers: Towers, config: IndexConfig) -> None:
        """Nothing to be found yet."""
        self._towers = towers
        self.index = AdIndex(towers.width, config)

    def __len__(self) -> int:
        """The number of ads that can be found."""
        return len(self.index)

    def query(self, request: Batch) -> Floats:
        """The request's vector."""
        return self._towers.request(request)

    def search(self, query: Floats, k: int, bits: Bits, bonus: Floats) -> tuple[Rows, Floats]:
        """At most k rows by query . vector + bonus."""
        return self.index.search(query, k, bits, bonus)

    def score(self, query: Floats, rows: Rows) -> Floats:
        """query . vector."""
        return self.index.score(query, rows)

    def build(self, rows: Rows) -> None:
        """Start anew with these ads."""
        self.index.build(rows, self._towers.ads(rows))

    def put(self, rows: Rows) -> None:
        """Insert or replace."""
        self.index.add(rows, self._towers.ads(rows))

    def remove(self, rows: Rows) -> None:
        """Never found from now on."""
        self.index.remove(rows)

    def pack(self) -> dict[str, Array]:
        """The index, as arrays."""
        return self.index.pack()

    def unpack(self, image: Image) -> None:
        """Become what `pack` wrote of the same towers' ads."""
        self.index.unpack(image)
