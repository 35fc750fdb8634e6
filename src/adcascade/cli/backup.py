"""`adcascade backup` and `adcascade restore`: one file holds an installation, and makes another of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adcascade.cascade.archive import Manifest
from adcascade.cascade.backup import backup as write_backup
from adcascade.cascade.backup import restore as read_backup
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json

File = Annotated[Path, typer.Argument(help="The archive.")]
HERE = Path()


def backup(
    file: File,
    directory: Directory = HERE,
    with_secret: Annotated[
        bool, typer.Option(help="Also the signing key; without it old tracking URLs die with the old folder.")
    ] = False,
    json: JsonFile = None,
) -> None:
    """Write one archive of an installation; its server may be running.

    Example: adcascade backup shop.adcascade --dir demo --with-secret
    """
    require_folder(directory)
    manifest = write_backup(directory, file, with_secret=with_secret)
    key = "with the signing key: keep it secret" if manifest.secret else "without the signing key"
    Console().print(f"{file}: {_said(manifest)}, {key}", highlight=False)
    write_json(json, _numbers(manifest))


def restore(
    file: File,
    directory: Annotated[Path, typer.Option("--dir", "-d", help="An empty folder, or one to be made.")],
    catalog: Annotated[str, typer.Option(help="URL of an empty database for a catalog that was in PostgreSQL.")] = "",
    json: JsonFile = None,
) -> None:
    """Verify an archive and make an installation of it in an empty folder.

    Example: adcascade restore shop.adcascade --dir restored
    """
    manifest = read_backup(file, directory, catalog=catalog)
    Console().print(f"{directory}: {_said(manifest)}; start it with adcascade serve --dir {directory}", highlight=False)
    write_json(json, _numbers(manifest))


def _said(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {sum(one.size for one in manifest.files.values()):,} bytes"


def _numbers(manifest: Manifest) -> dict[str, object]:
    return {
        "files": len(manifest.files),
        "bytes": sum(one.size for one in manifest.files.values()),
        "began_us": manifest.began_us,
        "seconds": (manifest.ended_us - manifest.began_us) / 1e6,
        "secret": manifest.secret,
    }
