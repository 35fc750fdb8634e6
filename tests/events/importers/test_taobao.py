"""Taobao and Ali-CCP: joins of four and of two files, histories, and keys that lead nowhere."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from adcascade.errors import DataMissingError, RowError
from adcascade.events.importers import FORMATS, BadRows, Options

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
SAMPLES = (
    "user,time_stamp,adgroup_id,pid,nonclk,clk\n"
    "9,1494000300,2,p1,1,0\n9,1494000100,1,p1,0,1\n9,1494000200,2,p2,0,1\n8,1494000250,3,p1,1,0\n"
)
ADS = "adgroup_id,cate_id,campaign_id,customer,brand,price\n1,c1,k1,u1,b1,170.0\n2,c2,k2,u2,NULL,99.9\n"
PROFILES = (
    "userid,cms_segid,cms_group_id,final_gender_code,age_level,pvalue_level,shopping_level,occupation,"
    "new_user_class_level \n9,0,5,2,5,,3,0,3\n"
)
BEHAVIOUR = "user,time_stamp,btag,cate,brand\n9,1494000150,pv,c7,b7\n9,1494000050,buy,c6,b6\n9,1494000200,pv,c8,b8\n"


def sources(lines: Lines) -> list[Path]:
    """The three files that must be there."""
    return [lines("raw_sample.csv", SAMPLES), lines("ad_feature.csv", ADS), lines("user_profile.csv", PROFILES)]


def test_taobao_joins_ads_and_profiles(lines: Lines, read: Reader) -> None:
    """In order of time, with the ad's and the user's columns; NULL and unknown keys are missing."""
    table = read("taobao", *sources(lines))
    assert table["click"].to_pylist() == [1.0, 1.0, 0.0, 0.0]
    assert table["cate_id"].to_pylist() == ["c1", "c2", None, "c2"]
    assert table["brand"].to_pylist() == ["b1", None, None, None]
    assert table["age_level"].to_pylist() == ["5", "5", None, "5"]
    assert table["new_user_class_level"].to_pylist() == ["3", "3", None, "3"]
    assert table["pvalue_level"].null_count == 4
    assert table["price"].to_pylist()[0] == 170.0


def test_taobao_histories_are_clicked_ads(lines: Lines, read: Reader) -> None:
    """Without the behaviour log a row sees the ads that its user clicked strictly before."""
    table = read("taobao", *sources(lines))
    assert table["past_cate_id"].to_pylist() == [[], ["c1"], [], ["c1", "c2"]]
    assert table["past_brand"].to_pylist() == [[], ["b1"], [], ["b1", None]]


def test_taobao_histories_are_behaviour(lines: Lines, read: Reader) -> None:
    """With the behaviour log a row sees what its user did strictly before, and no more rows come out."""
    table = read("taobao", *sources(lines), lines("behavior_log.csv", BEHAVIOUR))
    assert table["past_cate_id"].to_pylist() == [["c6"], ["c6", "c7"], [], ["c6", "c7", "c8"]]
    assert len(table) == 4


def test_taobao_names_what_is_wrong(lines: Lines, read: Reader) -> None:
    """A wrong row of any of the files is told by that file's name; a missing file too."""
    three = sources(lines)
    with pytest.raises(RowError, match=r"ad_feature\.csv, row 3, column 'price'"):
        read("taobao", three[0], lines("ad_feature.csv", ADS + "3,c,k,u,b,cheap\n"), three[2])
    with pytest.raises(DataMissingError, match="user_profile"):
        read("taobao", three[0], lines("ad_feature.csv", ADS))


def test_taobao_real(data_folder: Path, read: Reader) -> None:
    """The 500 rows with their histories as they stand."""
    folder = data_folder / "taobao_display_ads_500"
    raw, table = pq.read_table(folder / "samples.parquet"), read("taobao", folder)
    assert pc.sum(table["click"]).as_py() == pc.sum(raw["clk"]).as_py()
    assert table["past_cate_id"].to_pylist() == [[str(c) for c in row] for row in raw["history_cate"].to_pylist()]


def entry(field: str, value: str, weight: str = "1.0") -> str:
    """One feature of Ali-CCP."""
    return f"{field}\x02{value}\x03{weight}"


def skeleton(number: str, key: str, click: str = "1", buy: str = "0") -> str:
    """A line of sample_skeleton: two values of an intention, of which the first counts."""
    features = [entry("205", "i1"), entry("210", "n1"), entry("210", "n2"), entry("301", "9"), entry("508", "x", "2.3")]
    return f"{number},{click},{buy},{key},5,{chr(1).join(features)}\n"


COMMON = "k1,4," + chr(1).join(
    [entry("101", "u1"), entry("109_14", "c1", "0.5"), entry("109_14", "c2", "0.25"), entry("124", "f")]
)


def test_aliccp_joins_common_features(lines: Lines, read: Reader) -> None:
    """Own features, the user's, and a bag in the order of its weights, the heaviest last."""
    log = lines("sample_skeleton_train.csv", skeleton("1", "k1") + skeleton("2", "k1", "0"))
    table = read("aliccp", log, lines("common_features_train.csv", COMMON + "\n"))
    first = table.to_pylist()[0]
    assert (first["item_id"], first["intention"], first["position_code"], first["brand"]) == ("i1", "n1", "9", None)
    assert (first["user"], first["gender"], first["past_category"], first["past_shop"]) == ("u1", "f", ["c2", "c1"], [])
    assert table["click"].to_pylist() == [1.0, 0.0]
    assert table["conversion"].to_pylist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (skeleton("2", "nobody"), "common"),
        (skeleton("2", "k1", "x"), "click"),
        (skeleton("2", "k1").replace("\x02", ":"), "list"),
        ("2,1,0\n", "(the line)"),
    ],
)
def test_aliccp_names_what_is_wrong_or_skips_it(lines: Lines, read: Reader, wrong: str, column: str) -> None:
    """A key without features, a wrong label, wrong separators, a truncated line."""
    log = lines("sample_skeleton_train.csv", skeleton("1", "k1") + wrong + skeleton("3", "k1"))
    common = lines("common_features_train.csv", COMMON)
    with pytest.raises(RowError) as caught:
        read("aliccp", log, common)
    assert (caught.value.row, caught.value.column) == (2, column)
    bad = BadRows("skip")
    assert read("aliccp", log, common, bad=bad)["request_id"].to_pylist() == ["1", "3"]
    assert bad.skipped == 1


def test_aliccp_is_read_block_by_block(lines: Lines) -> None:
    """The first table is a block, not the log."""
    log = lines("sample_skeleton_train.csv", "".join(skeleton(str(i), "k1") for i in range(2000)))
    tables = FORMATS["aliccp"].read([log, lines("common_features_train.csv", COMMON)], Options(block_bytes=4096)).tables
    assert 0 < len(next(tables)) < 100
    tables.close()  # type: ignore[attr-defined]
