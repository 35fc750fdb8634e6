"""Backup of a running installation, and restore into an empty folder.

The parts are copied one after another while the server goes on, so their order makes them fit: the journal first, then
whatever it may refer to. Those only grow (catalog rows are for life, seals and bundles are never changed), so a later
copy of them holds everything that an earlier journal names. Every event that was acknowledged before the backup began
is in it.

SQLite files are copied by its online backup within one reading transaction. A catalog in PostgreSQL is copied, in one
snapshot, into a SQLite file of the same tables, and goes back into any database by URL.
"""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, func, insert, select

from adcascade import __version__
from adcascade.access.tables import ended, keys
from adcascade.cascade.archive import FORMAT, Manifest, unpack, verify_archive, writing_archive
from adcascade.catalog import tables
from adcascade.catalog.database import migrate, open_engine, reading, writing
from adcascade.errors import ConfigurationError, InputError, StoreError
from adcascade.reports.tables import saved_views
from adcascade.settings import FILE, Settings, load_settings

SECRET = "secret.key"  # noqa: S105  a file's name
POLICY = "bidding"
JOURNAL, CATALOG, SEALED, BUNDLES = "journal.db", "catalog.db", "sealed", "bundles"
ROWS = 5_000  # of a catalog's table copied at once


def backup(directory: Path, target: Path, *, with_secret: bool = False) -> Manifest:
    """Write one archive of the installation, which may be running; what it holds.

    InputError where `target` exists or there is no journal; StoreError where a disk or a database refuses.
    """
    settings = load_settings(directory)
    if not settings.journal_path.exists():
        raise InputError("--dir", str(directory), "the folder of an installation", "it holds no event log")
    began_us = time.time_ns() // 1000
    with writing_archive(target) as archive, tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        copy = Path(scratch) / "copy.db"
        copy_sqlite(settings.journal_path, copy)
        archive.add(JOURNAL, copy)
        copy.unlink()
        archive.add_folder(SEALED, settings.sealed_path)
        _catalog(settings, copy)
        archive.add(CATALOG, copy)
        archive.add_folder(BUNDLES, settings.bundles_path)
        archive.add_folder(POLICY, directory / POLICY)
        if (directory / FILE).exists():
            archive.add(FILE, directory / FILE)
        with_secret = with_secret and (directory / SECRET).exists()
        if with_secret:
            archive.add(SECRET, directory / SECRET)
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            began_us=began_us,
            ended_us=time.time_ns() // 1000,
            secret=with_secret,
            files=archive.files,
        )
        archive.finish(manifest)
    return manifest


def restore(source: Path, directory: Path, *, catalog: str = "") -> Manifest:
    """Verify an archive, then unpack it into a folder that is empty or absent; what it held.

    catalog: URL of an empty database for the catalog, where the installation keeps it in one. InputError for a damaged
    archive, a folder that holds anything or a database that does; then nothing was written.
    """
    if directory.exists() and any(directory.iterdir()):
        raise InputError("--dir", str(directory), "an empty folder", "a restore overwrites nothing: name another")
    manifest = verify_archive(source)
    directory.mkdir(parents=True, exist_ok=True)
    unpack(source, directory)
    settings = load_settings(directory)
    for name, place in (
        (JOURNAL, settings.journal_path),
        (SEALED, settings.sealed_path),
        (BUNDLES, settings.bundles_path),
    ):
        _move(directory / name, place, directory)
    url = catalog or settings.catalog_url
    if url.startswith("sqlite"):
        _move(directory / CATALOG, Path(url.partition("sqlite:///")[2]), directory)
    elif catalog:
        _copy_catalog(f"sqlite:///{(directory / CATALOG).resolve()}", catalog)
    return manifest


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite file that others are writing; one file, without a WAL. StoreError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30.0)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"{source} could not be copied: {error}; see whether the disk is full") from error


def _catalog(settings: Settings, target: Path) -> None:
    url = settings.catalog_url
    if url.startswith("sqlite"):
        copy_sqlite(Path(url.partition("sqlite:///")[2]), target)
    else:
        _copy_catalog(url, f"sqlite:///{target.resolve()}")


def _copy_catalog(source: str, target: str) -> None:
    """All rows of a catalog's database, as of one snapshot, into another that holds none."""
    live, copy = open_engine(source), open_engine(target)
    try:
        migrate(copy)
        _copy_rows(live, copy)
    finally:
        live.dispose()
        copy.dispose()


def _copy_rows(live: Engine, copy: Engine) -> None:
    with reading(live) as rows, writing(copy) as into:
        if into.execute(select(tables.advertisers.c.id).limit(1)).first() is not None:
            raise InputError("--catalog", copy.url.render_as_string(), "a database without a catalog", "name another")
        for table in (*tables.metadata.sorted_tables, keys, ended, saved_views):
            if table is tables.state:
                into.execute(table.delete())  # what a migration puts into an empty database
            for part in rows.execute(select(table)).mappings().partitions(ROWS):
                into.execute(insert(table), [dict(row) for row in part])
        if copy.dialect.name == "postgresql":  # which counts by itself what it numbered itself
            last = select(func.coalesce(func.max(tables.audit.c.number), 0) + 1).scalar_subquery()
            into.execute(select(func.setval(func.pg_get_serial_sequence("audit", "number"), last, False)))


def _move(found: Path, place: Path, directory: Path) -> None:
    """To where adcascade.toml says, which must lie inside the folder."""
    if not found.exists() or found.resolve() == place.resolve():
        return
    if not place.resolve().is_relative_to(directory.resolve()):
        raise ConfigurationError(
            f"{FILE} puts {found.name} at {place}, outside {directory}; it lies at {found}: move it there yourself"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    found.rename(place)
