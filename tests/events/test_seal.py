"""Laws of sealing: nobody who reads the journal notices, and nothing leaves before its copy is proved."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError, StoreError
from adcascade.events import seal as sealing
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Record
from adcascade.events.seal import KNOWN_US, forget, seal
from adcascade.events.sealed import Seal, verify, write_manifest

KINDS = (Impression, Click, Conversion)


def event(number: int, time_us: int) -> Record:
    """The kinds in turn."""
    return KINDS[number % 3](id=f"e{number}", time_us=time_us, bid_id="b" * (number % 5))


@settings(deadline=None, max_examples=25)
@given(
    times=st.lists(st.integers(0, 50), max_size=40),
    cuts=st.lists(st.integers(0, 60), max_size=3),
    after=st.integers(0, 45),
)
def test_reading_goes_over_seals_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], cuts: list[int], after: int
) -> None:
    """However often the journal is sealed, every read gives the same records with the same seq."""
    folder = tmp_path_factory.mktemp("seal")
    with Journal(folder / "log.db", commit_every_ms=0) as journal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "PAGE", 3)
        written = []
        for number, time_us in enumerate(times):
            written.append(event(number, time_us))
        middle = len(written) // 2
        journal.append(written[:middle])
        for cut in cuts:
            seal(journal, folder / "sealed", cut)
        journal.append(written[middle:])
        for cut in cuts:
            seal(journal, folder / "sealed", cut)
        numbered = list(enumerate(written, start=1))
        assert list(journal.read()) == numbered
        assert list(journal.read(after, ["click"])) == [
            (seq, record) for seq, record in numbered if seq > after and isinstance(record, Click)
        ]
        assert {receipt.status for receipt in journal.append(written)} <= {"duplicate"}


def test_a_seal_takes_what_is_old_and_empties_the_journal(tmp_path: Path) -> None:
    """One file per kind, counted and checked; the journal keeps ids and drops payloads."""
    with Journal(tmp_path / "log.db") as journal:
        journal.append([event(number, number) for number in range(30)])
        made = seal(journal, tmp_path / "sealed", 20)
        assert made is not None
        assert (made.first_seq, made.last_seq, made.rows) == (1, 20, 20)
        assert {file.kind: file.rows for file in made.files} == {"impression": 7, "click": 7, "conversion": 6}
        assert journal.query("SELECT count(*) FROM records WHERE payload IS NULL") == [(20,)]
        assert seal(journal, tmp_path / "sealed", 20) is None
        table = pq.read_table(tmp_path / "sealed" / made.name / "click.parquet")
        assert table["id"].to_pylist() == [f"e{number}" for number in range(1, 20, 3)]
        assert verify(tmp_path / "sealed" / made.name) == made


def test_the_whole_folder_may_move(tmp_path: Path) -> None:
    """Seals below the journal's folder are found after both were moved together."""
    (tmp_path / "here").mkdir()
    with Journal(tmp_path / "here" / "log.db") as journal:
        journal.append([event(0, 0)])
        seal(journal, tmp_path / "here" / "sealed", 1)
    (tmp_path / "here").rename(tmp_path / "there")
    with Journal(tmp_path / "there" / "log.db") as journal:
        assert list(journal.read()) == [(1, event(0, 0))]


def test_forgotten_ids_are_new_again_and_seq_goes_on(tmp_path: Path) -> None:
    """After the retention an id can come again; the records stay readable and no seq is given twice."""
    with Journal(tmp_path / "log.db") as journal:
        journal.append([event(number, number) for number in range(10)])
        seal(journal, tmp_path / "sealed", 100)
        assert forget(journal, 100) == 9
        assert [receipt.status for receipt in journal.append([event(9, 9), event(0, 0)])] == ["duplicate", "accepted"]
        assert [seq for seq, _ in journal.read()] == list(range(1, 12))


def test_an_id_that_a_token_can_still_bring_is_never_forgotten(tmp_path: Path) -> None:
    """Ids outlive the tokens: younger ones are refused, and an event that claims an old time stays with its arrival."""
    old, young = 1_000, 1_000 + KNOWN_US
    with Journal(tmp_path / "log.db") as journal:
        journal.append([answer("a1", old), event(0, old), answer("a2", young), event(3, 1), event(4, young)])
        seal(journal, tmp_path / "sealed", 2 * young)
        with pytest.raises(InputError, match="before_us"):
            forget(journal, young - KNOWN_US + 1)
        journal.append([answer("a3", young + KNOWN_US)])
        assert forget(journal, young) == 2
        again = journal.append([event(3, 1), event(4, young), event(0, old)])
        assert [receipt.status for receipt in again] == ["duplicate", "duplicate", "accepted"]


def answer(name: str, time_us: int) -> AuctionRecord:
    """An answer without winners."""
    return AuctionRecord(id=name, time_us=time_us, user=None, scenario="", seen={}, winners=())


def test_a_seal_that_reads_back_wrong_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files do not hold what was written, StoreError, and the journal is as it was."""

    def damage(folder: Path, made: Seal) -> None:
        write_manifest(folder, made)
        (folder / "click.parquet").write_bytes((folder / "impression.parquet").read_bytes())

    with Journal(tmp_path / "log.db") as journal:
        journal.append([event(number, number) for number in range(9)])
        monkeypatch.setattr(sealing, "write_manifest", damage)
        with pytest.raises(StoreError, match="click"):
            seal(journal, tmp_path / "sealed", 100)
        assert journal.query("SELECT count(*) FROM seals") == [(0,)]
        assert len(list(journal.read())) == 9
        monkeypatch.undo()
        assert seal(journal, tmp_path / "sealed", 100) is not None
        assert len(list(journal.read())) == 9


def test_a_damaged_seal_is_noticed(tmp_path: Path) -> None:
    """verify names a file that is missing or altered, and so does reading a missing one."""
    with Journal(tmp_path / "log.db") as journal:
        journal.append([event(number, number) for number in range(9)])
        made = seal(journal, tmp_path / "sealed", 100)
        assert made is not None
        folder = tmp_path / "sealed" / made.name
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][0]["sha256"] = "0" * 64
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(StoreError, match="not what was sealed"):
            verify(folder)
        (folder / "click.parquet").unlink()
        with pytest.raises(StoreError, match="restore"):
            list(journal.read())
        (folder / "manifest.json").unlink()
        with pytest.raises(StoreError, match="cannot be read"):
            list(journal.read())
