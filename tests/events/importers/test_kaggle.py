"""Avazu, KDD Cup 2012 and TalkingData: their published files, hand-written and real."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from adcascade.errors import InputError, RowError
from adcascade.events.importers import BadRows

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
AVAZU_HEAD = (
    "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,device_id,"
    "device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21\n"
)
AVAZU_ROW = "{id},{click},{hour},1005,0,s,d,c,a,e,f,{device},ip1,model1,1,0,15706,320,50,1722,0,35,-1,79\n"
TALKING_HEAD = "ip,app,device,os,channel,click_time,attributed_time,is_attributed\n"


def avazu(number: str = "1", click: str = "0", hour: str = "14102103", device: str = "a99f214a") -> str:
    """A line of train.csv."""
    return AVAZU_ROW.format(id=number, click=click, hour=hour, device=device)


def test_avazu(lines: Lines, read: Reader) -> None:
    """The hour becomes a time, the unknown device a pair of address and model, codes stay text."""
    path = lines("train.csv", AVAZU_HEAD + avazu("10000169349117863715", "1") + avazu("2", device="d2"))
    first, second = read("avazu", path).to_pylist()
    assert first["time_us"] == np.datetime64("2014-10-21T03", "us").astype(int)
    assert (first["request_id"], first["click"], first["hour"], first["weekday"]) == (
        "10000169349117863715",
        1.0,
        "3",
        "1",
    )
    assert (first["user"], second["user"]) == ("ip1/model1", "d2")
    assert (first["C20"], first["C14"]) == ("-1", "15706")


@pytest.mark.parametrize(
    ("wrong", "column"), [(avazu(hour="2014-10-21"), "hour"), (avazu(click="yes"), "click"), (avazu(""), "id")]
)
def test_avazu_names_what_is_wrong(lines: Lines, read: Reader, wrong: str, column: str) -> None:
    """A wrong time, label or missing id is told with its row."""
    with pytest.raises(RowError) as caught:
        read("avazu", lines("train.csv", AVAZU_HEAD + avazu() + wrong))
    assert (caught.value.row, caught.value.column) == (2, column)


def test_a_missing_column_is_named(lines: Lines, read: Reader) -> None:
    """A file without the label is refused before a row is read, skipping or not."""
    with pytest.raises(InputError, match="'click'"):
        read("avazu", lines("test.csv", AVAZU_HEAD.replace("click,", "")), bad=BadRows("skip"))


def test_avazu_real(data_folder: Path, read: Reader) -> None:
    """Rows and click rate equal those of the raw file."""
    path = data_folder / "avazu_small"
    raw, table = pq.read_table(path / "clicks.parquet"), read("avazu", path)
    assert len(table) == len(raw)
    assert pc.mean(table["click"]).as_py() == pytest.approx(pc.mean(raw["click"]).as_py())
    assert table["device_ip"].to_pylist() == raw["device_ip"].to_pylist()


def test_kdd12_counts_become_weights(lines: Lines, read: Reader) -> None:
    """Two clicks in five impressions are one click of weight 2 and one non-click of weight 3."""
    path = lines(
        "training.txt", "2\t5\t11\t12\t13\t2\t1\t14\t15\t16\t17\t0\n0\t1\t11\t12\t13\t2\t2\t14\t15\t16\t17\t9\n"
    )
    table = read("kdd12", path)
    assert table.select(["click", "weight", "position", "user"]).to_pylist() == [
        {"click": 1.0, "weight": 2.0, "position": 0, "user": None},
        {"click": 0.0, "weight": 3.0, "position": 0, "user": None},
        {"click": 0.0, "weight": 1.0, "position": 1, "user": "9"},
    ]
    assert table["ad_id"].to_pylist() == ["12"] * 3


@pytest.mark.parametrize(("line", "column"), [("-1\t5", "click"), ("0\t0", "impression"), ("x\t1", "click")])
def test_kdd12_names_what_is_wrong(lines: Lines, read: Reader, line: str, column: str) -> None:
    """Counts below what is possible are told."""
    with pytest.raises(RowError) as caught:
        read("kdd12", lines("training.txt", line + "\t11\t12\t13\t2\t1\t14\t15\t16\t17\t0\n"))
    assert (caught.value.row, caught.value.column) == (1, column)


def test_kdd12_real(data_folder: Path, read: Reader) -> None:
    """One sample a row, the click rate of the raw file, and 0 is nobody."""
    path = data_folder / "kdd12_search_ads"
    raw, table = pq.read_table(path / "impressions.parquet"), read("kdd12", path)
    assert len(table) == len(raw)
    assert pc.mean(table["click"]).as_py() == pytest.approx(pc.mean(raw["click"]).as_py())
    assert table["user"].null_count == pc.sum(pc.equal(raw["user_id"], 0)).as_py()
    assert table["position"].to_pylist() == [rank - 1 for rank in raw["position"].to_pylist()]


def test_talkingdata(lines: Lines, read: Reader) -> None:
    """Every row is a click; the install is the conversion, with its time."""
    rows = "87540,12,1,13,497,2017-11-07 09:30:38,,0\n1,2,3,4,5,2017-11-07 09:30:39,2017-11-08 00:00:00,1\n"
    table = read("talkingdata", lines("train_sample.csv", TALKING_HEAD + rows))
    assert table["click"].to_pylist() == [1.0, 1.0]
    assert table["conversion"].to_pylist() == [0.0, 1.0]
    delays = pc.subtract(table["conversion_time_us"], table["click_time_us"]).to_pylist()
    assert delays == [None, 14 * 3600 * 10**6 + 29 * 60 * 10**6 + 21 * 10**6]
    assert table["user"].to_pylist() == ["87540/1/13", "1/3/4"]


def test_talkingdata_needs_the_label(lines: Lines, read: Reader) -> None:
    """The competition's test.csv is refused by the name of the column it lacks."""
    with pytest.raises(InputError, match="is_attributed"):
        read("talkingdata", lines("test.csv", "click_id,ip,app,device,os,channel,click_time\n"))


def test_talkingdata_real(data_folder: Path, read: Reader) -> None:
    """Rows, installs and the order of time equal the raw file's."""
    path = data_folder / "talkingdata_clicks"
    raw, table = pq.read_table(path / "clicks.parquet"), read("talkingdata", path)
    assert len(table) == len(raw)
    assert table["conversion"].to_pylist() == raw["is_attributed"].to_pylist()
    assert np.all(np.diff(table["time_us"].to_numpy()) >= 0)
    attributed = pc.sum(table["conversion_time_us"].is_valid()).as_py()
    assert attributed == pc.sum(raw["attributed_time"].is_valid()).as_py()
