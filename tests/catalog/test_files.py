"""Laws of catalog files: what is written is read again, and a bad row is named."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign, Creative, Targeting
from adcascade.catalog.files import (
    ImportReport,
    OnError,
    export_file,
    import_files,
    kind_of,
    noun_of,
    nouns_of,
    write_nouns,
)
from adcascade.catalog.kinds import KINDS, Kind, Noun
from adcascade.catalog.rows import read_rows
from adcascade.catalog.store import CatalogStore
from adcascade.errors import DataMissingError, InputError, RowError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
IDS = TEXT.filter(bool)
MONEY = st.integers(0, 10**15)
NUMBER = st.floats(-1e6, 1e6)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
creatives = st.lists(
    st.builds(Creative, id=IDS, format=st.sampled_from(["banner", "native"]), title=TEXT, width=st.integers(0, 999)),
    max_size=2,
    unique_by=lambda creative: creative.id,
)
ads = st.builds(
    Ad,
    id=IDS,
    campaign=st.just("C"),
    category=TEXT,
    title=TEXT,
    status=st.sampled_from(["active", "paused"]),
    price_micros=MONEY,
    bid_micros=st.none() | MONEY,
    stock=st.none() | st.integers(0, 9),
    keywords=TEXTS,
    creatives=creatives.map(tuple),
    picture=st.lists(NUMBER, max_size=3).map(tuple),
    attributes=st.dictionaries(st.sampled_from(["colour", "x.y", "größe"]), TEXT | NUMBER, max_size=2),
)
campaigns = st.builds(
    Campaign,
    id=IDS,
    advertiser=st.just("V"),
    billing=st.sampled_from(["click", "impression"]),
    bid_micros=MONEY,
    daily_budget_micros=st.none() | MONEY,
    end_us=st.none() | st.integers(0, 2**62),
    targeting=st.builds(Targeting, scenarios=TEXTS, keywords=TEXTS),
)
SUFFIXES = pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])


@SUFFIXES
@settings(deadline=None, max_examples=40)
@given(some_campaigns=st.lists(campaigns, max_size=3), some_ads=st.lists(ads, max_size=4))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, some_campaigns: list[Campaign], some_ads: list[Ad]
) -> None:
    """Every field of every noun survives every format, whatever the texts hold."""
    path = tmp_path_factory.mktemp("files") / f"rows{suffix}"
    given_nouns: list[tuple[Kind, Sequence[Noun]]] = [
        ("advertisers", [Advertiser(id="V", domain="v.com")]),
        ("campaigns", some_campaigns),
        ("ads", some_ads),
    ]
    for kind, nouns in given_nouns:
        assert write_nouns(path, kind, nouns) == len(nouns)
        read = [noun_of(kind, path, number, row) for number, row in read_rows(path) if isinstance(row, dict)]
        assert read == nouns


@SUFFIXES
def test_a_catalog_moves_through_files(tmp_path: Path, suffix: str) -> None:
    """Exported from one catalog and imported into another, all in one version."""
    ad = Ad(id="a", campaign="C", ad_group="G", keywords=("red shoe",), creatives=(Creative(id="1"),))
    group = AdGroup(id="G", campaign="C", bid_micros=3, targeting=Targeting(times=("mon 08:00-09:00",)))
    with (
        CatalogStore(f"sqlite:///{tmp_path / 'one.db'}") as one,
        CatalogStore(f"sqlite:///{tmp_path / 'two.db'}") as two,
    ):
        one.put([Advertiser(id="V")], [Campaign(id="C", advertiser="V")], [ad], ad_groups=[group])
        paths: list[tuple[Kind, Path]] = [(kind, tmp_path / f"{kind}{suffix}") for kind in reversed(KINDS)]
        for kind, path in paths:
            assert export_file(one, kind, path) == 1
        report = import_files(two, paths)
        assert [list(nouns_of(two, kind)) for kind in KINDS] == [list(nouns_of(one, kind)) for kind in KINDS]
        assert (report.version, report.taken) == (1, dict.fromkeys(KINDS, 1))


@pytest.fixture
def store(tmp_path: Path) -> CatalogStore:
    """A catalog with campaign C of advertiser V; closed by the store's own end."""
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as opened:
        opened.put([Advertiser(id="V")], [Campaign(id="C", advertiser="V")])
    return opened


def imported(store: CatalogStore, path: Path, kind: Kind, text: str, on_error: OnError = "stop") -> ImportReport:
    """Import one file of this text."""
    path.write_text(text, encoding="utf-8")
    with store:
        return import_files(store, [(kind, path)], on_error=on_error)


@pytest.mark.parametrize(
    ("kind", "text", "at"),
    [
        ("ads", "id,campaign\na,C\nb,nobody\n", (2, "campaign")),
        ("ads", "id,campaign\na,C\na,C\n", (2, "id")),
        ("ads", "id,campaign\n,C\n", (1, "id")),
        ("ads", "campaign\nC\n", (1, "id")),
        ("ads", "id,campaign,price_micros\na,C,1\nb,C,cheap\n", (2, "price_micros")),
        ("ads", "id,campaign,price_micros\na,C,-1\n", (1, "price_micros")),
        ("ads", "id,campaign,picture\na,C,0.5|blue\n", (1, "picture[1]")),
        ("ads", "id,campaign,creatives\na,C,{\n", (1, "creatives")),
        ("ads", "id,campaign,prize_micros\na,C,1\n", (1, "prize_micros")),
        ("ads", "id,campaign\na,C,more\n", (1, "the whole row")),
        ("campaigns", "id,advertiser,billing\nD,V,sale\n", (1, "billing")),
        ("campaigns", "id,advertiser,targeting.scenery\nD,V,home\n", (1, "targeting.scenery")),
        ("campaigns", "id,advertiser,currency\nD,V,EUR\n", (1, "currency")),
        ("campaigns", "id,advertiser\nD,nobody\n", (1, "advertiser")),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_put(
    store: CatalogStore, tmp_path: Path, kind: Kind, text: str, at: tuple[int, str]
) -> None:
    """RowError tells file, row and column; the good rows before it are not put either."""
    with pytest.raises(RowError) as caught:
        imported(store, tmp_path / "rows.csv", kind, text)
    assert (caught.value.file, caught.value.row, caught.value.column) == ("rows.csv", *at)
    with store:
        assert store.version == 1


def test_skipping_counts_the_bad_rows_and_puts_the_good(store: CatalogStore, tmp_path: Path) -> None:
    """--on-error skip: each bad row is counted under its reason."""
    text = '{"id": "a", "campaign": "C"}\nnonsense\n{"id": "b"}\n\n{"id": "c", "campaign": "C", "stock": "7"}\n'
    report = imported(store, tmp_path / "rows.jsonl", "ads", text, "skip")
    with store:
        assert [ad.id for _, ad in store.ads()] == ["a"]
    assert sum(report.skipped.values()) == 3
    assert report.taken["ads"] == 1


def test_a_spreadsheet_of_friendly_columns(store: CatalogStore, tmp_path: Path) -> None:
    """Lists with bars, attributes one by one, numbers as text, empty cells as not given."""
    text = "\ufeffid,campaign,keywords,attributes.colour,stock,bid_micros\na,C,red shoe|boot,rot,3,\n"
    imported(store, tmp_path / "rows.csv", "ads", text)
    with store:
        expected = Ad(id="a", campaign="C", keywords=("red shoe", "boot"), attributes={"colour": "rot"}, stock=3)
        assert store.find_ad("a") == expected


def test_parquet_of_another_shape(store: CatalogStore, tmp_path: Path) -> None:
    """Nested structs and whole-number floats are taken; a damaged file is a RowError."""
    path = tmp_path / "campaigns.parquet"
    rows = [{"id": "D", "advertiser": "V", "bid_micros": 5.0, "targeting": {"devices": ["phone"]}}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    with store:
        import_files(store, [(kind_of(path), path)])
        found = store.find_campaign("D")
        assert found == Campaign(id="D", advertiser="V", bid_micros=5, targeting=Targeting(devices=("phone",)))
        path.write_bytes(b"PAR1 this is none PAR1")
        with pytest.raises(RowError, match=r"campaigns\.parquet, row 1"):
            import_files(store, [("campaigns", path)])


def test_a_file_must_be_there_and_of_a_known_kind(store: CatalogStore, tmp_path: Path) -> None:
    """A missing file, a foreign suffix, a name that tells no kind: each says what to give."""
    with store:
        with pytest.raises(DataMissingError, match="does not exist"):
            import_files(store, [("ads", tmp_path / "ads.csv")])
        with pytest.raises(InputError, match=r"\.parquet"):
            import_files(store, [("ads", tmp_path / "ads.xlsx")])
    with pytest.raises(InputError, match="--kind"):
        kind_of(Path("products.csv"))
    names = ("Ads_2.csv", "ad_groups.csv", "campaign.jsonl", "advertisers.parquet")
    assert [kind_of(Path(name)) for name in names] == ["ads", "ad_groups", "campaigns", "advertisers"]
