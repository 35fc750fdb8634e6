"""Backup of a server under load, restored elsewhere: what was acknowledged is there, and the books are right."""

import os
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.cascade.test_archive import changed, same
from tests.catalog.conftest import postgres_server as postgres_server  # noqa: PLC0414  a fixture
from tests.load.installation import AUCTION, impressions, make_catalog
from tests.server.process import ROOT, SERVE, Process, speak

from adcascade.cascade.backup import backup, restore
from adcascade.catalog.store import CatalogStore
from adcascade.errors import AdcascadeError, InputError
from adcascade.events.journal import Journal
from adcascade.money.reading import differences


class Shopper(threading.Thread):
    """Asks for ads and reports impressions of them until the server dies; knows which were acknowledged when."""

    def __init__(self, server: Process, name: str) -> None:
        super().__init__(daemon=True)
        self.server, self.prefix = server, name
        self.acknowledged: list[tuple[float, str]] = []  # monotonic seconds, id

    def run(self) -> None:
        """Until the connection breaks."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            for number in range(100_000):
                _, answer = speak(connection, "POST", "/v2/auctions", AUCTION)
                tokens = [winner["resolvedBidId"] for winner in answer["results"][0]["winners"]]
                if not tokens:  # declined: two shoppers ask as fast as they can
                    continue
                _, told = speak(connection, "POST", "/v2/events", impressions(f"{self.prefix}-{number}", tokens))
                now = time.monotonic()
                self.acknowledged += [(now, each["id"]) for each in told["impressions"] if each["status"] == "accepted"]
        except (OSError, HTTPException):
            return
        finally:
            connection.close()


def first_token(server: Process) -> str:
    """Of the first ad; the first leases of a server that has just begun may be on their way."""
    for _ in range(50):
        winners = server.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"]
        if winners:
            return str(winners[0]["resolvedBidId"])
        time.sleep(0.1)
    raise AssertionError("no ad was answered")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a process of its own."""
    call = [sys.executable, "-c", "from adcascade.cli import main; main()", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "400"}
    return subprocess.run(call, capture_output=True, text=True, timeout=120, env=environment, check=False)


def logged(folder: Path) -> list[str]:
    """Ids of all impressions in the log."""
    with Journal(folder / "journal.db") as journal:
        return [row[0] for row in journal.query("SELECT id FROM records WHERE kind = 'impression'")]


def test_a_backup_under_load_becomes_a_server_with_every_event_acknowledged_before_it(tmp_path: Path) -> None:
    """Backed up amid events, killed, restored elsewhere, started: events in, books right, old tokens still known."""
    home, away, file = tmp_path / "home", tmp_path / "away", tmp_path / "shop.adcascade"
    home.mkdir()
    make_catalog(home)
    server = Process(home, SERVE)
    server.start()
    token = first_token(server)
    shoppers = [Shopper(server, f"s{number}") for number in range(2)]
    for shopper in shoppers:
        shopper.start()
    while any(len(shopper.acknowledged) < 20 for shopper in shoppers):
        time.sleep(0.01)
    began = time.monotonic()
    done = command("backup", str(file), "--dir", str(home), "--with-secret")
    assert done.returncode == 0, done.stderr
    assert "keep it secret" in done.stdout
    server.kill()
    for shopper in shoppers:
        shopper.join(timeout=20)
    before = {name for shopper in shoppers for at, name in shopper.acknowledged if at < began}
    assert len(before) >= 40
    done = command("restore", str(file), "--dir", str(away))
    assert done.returncode == 0, done.stderr
    assert before <= set(logged(away))
    assert len(logged(away)) == len(set(logged(away)))
    assert differences(away / "journal.db") == []
    again = Process(away, SERVE)
    again.start()
    assert again.ask("POST", "/v2/events", impressions("late", [token]))[1]["impressions"][0]["status"] == "accepted"
    assert again.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"]
    again.kill()
    assert differences(away / "journal.db") == []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small installation that is not running."""
    folder = tmp_path / "home"
    folder.mkdir()
    make_catalog(folder, campaigns=2)
    with Journal(folder / "journal.db"):
        pass
    (folder / "secret.key").write_text("ab" * 32)
    return folder


def test_the_secret_stays_at_home_unless_asked_for(home: Path, tmp_path: Path) -> None:
    """By default no key is inside; with it, it is restored for its owner alone."""
    assert not backup(home, tmp_path / "one").secret
    restore(tmp_path / "one", tmp_path / "first")
    assert not (tmp_path / "first" / "secret.key").exists()
    assert backup(home, tmp_path / "two", with_secret=True).secret
    restore(tmp_path / "two", tmp_path / "second")
    assert (tmp_path / "second" / "secret.key").read_text() == "ab" * 32
    assert (tmp_path / "second" / "secret.key").stat().st_mode & 0o077 == 0


def test_nothing_is_overwritten_and_a_damaged_archive_writes_nothing(home: Path, tmp_path: Path) -> None:
    """A folder that holds anything is refused; of an archive with one changed byte nothing is unpacked."""
    file = tmp_path / "a"
    backup(home, file)
    with pytest.raises(InputError, match="empty folder"):
        restore(file, home)
    with pytest.raises(InputError, match="does not exist"):
        backup(home, file)
    body = file.read_bytes()
    file.write_bytes(next(other for other in changed(body, range(len(body) // 2, len(body))) if not same(body, other)))
    with pytest.raises(InputError, match="take another backup"):
        restore(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    done = command("restore", str(file), "--dir", str(tmp_path / "new"))
    assert done.returncode == 2
    assert "take another backup" in done.stderr


def test_paths_of_the_settings_are_kept(home: Path, tmp_path: Path) -> None:
    """Where adcascade.toml names other places inside the folder, the parts go there; outside it, it is said."""
    (home / "journal.db").rename(home / "log.db")
    (home / "adcascade.toml").write_text('[storage]\njournal = "log.db"\n')
    backup(home, tmp_path / "a")
    restore(tmp_path / "a", tmp_path / "new")
    assert (tmp_path / "new" / "log.db").exists()
    (home / "log.db").rename(tmp_path / "log.db")
    (home / "adcascade.toml").write_text(f'[storage]\njournal = "{tmp_path / "log.db"}"\n')
    backup(home, tmp_path / "b")
    with pytest.raises(AdcascadeError, match="outside"):
        restore(tmp_path / "b", tmp_path / "newer")


@pytest.mark.needs("postgresql")
def test_a_catalog_in_postgresql_comes_back_row_by_row(home: Path, tmp_path: Path, postgres_server: str) -> None:
    """Copied out of a real PostgreSQL and into an empty one: the same version, and every ad has the row it had."""
    from sqlalchemy import create_engine, text

    engine = create_engine(postgres_server)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA one"))
        connection.execute(text("CREATE SCHEMA two"))
    one, two = (f"{postgres_server}&options=-csearch_path%3D{schema}" for schema in ("one", "two"))
    (home / "adcascade.toml").write_text(f'[storage]\ncatalog = "{one}"\n')
    make_catalog(home, campaigns=3)
    with CatalogStore(one) as store:
        store.remove_ads(["k1-0"])
        rows = store.changes(0)
    backup(home, tmp_path / "a")
    restore(tmp_path / "a", tmp_path / "new", catalog=two)
    with CatalogStore(two) as store:
        assert store.changes(0) == rows
        lines = store.audit(limit=1000)
        store.set_status("paused", campaigns=["k1"])
        assert store.audit(limit=1000)[: len(lines)] == lines
        assert len(store.audit(limit=1000)) == len(lines) + 1
    with pytest.raises(InputError, match="without a catalog"):
        restore(tmp_path / "a", tmp_path / "newer", catalog=two)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA one CASCADE"))
        connection.execute(text("DROP SCHEMA two CASCADE"))
    engine.dispose()
