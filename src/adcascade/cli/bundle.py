"""`adcascade bundle`: list, show, verify, promote, shadow and roll back trained bundles."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from adcascade.cascade import promoting
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.shadow import order
from adcascade.cli.options import Directory, JsonFile, write_json
from adcascade.errors import BundleError, InputError
from adcascade.settings import load_settings

app = typer.Typer(help="List, show, verify, promote, shadow and roll back bundles.", no_args_is_help=True)
Version = Annotated[str | None, typer.Argument(help="Version; without it the one that serves.")]
HERE = Path()


def _bundles(directory: Path) -> Bundles:
    return Bundles(load_settings(directory).bundles_path)


def _version(bundles: Bundles, version: str | None) -> str:
    chosen = version or bundles.current()
    if chosen is None:
        raise BundleError(f"no bundle in {bundles.folder} serves yet: train one, or name a version")
    return chosen


@app.command("list")
def list_(directory: Directory = HERE, json: JsonFile = None) -> None:
    """All versions, oldest first. Example: adcascade bundle list --dir demo."""
    bundles = _bundles(directory)
    current = bundles.current()
    table = Table(Column("version", no_wrap=True), "serves", "made", "samples", "ranking", "AUC", "PCOC")
    manifests = [bundles.manifest(version) for version in bundles.versions()]
    for manifest in manifests:
        made = datetime.fromtimestamp(manifest.created_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        auc, pcoc = (f"{manifest.metrics[k]:.4f}" if k in manifest.metrics else "" for k in ("ctr_auc", "ctr_pcoc"))
        serves = "yes" if manifest.version == current else ""
        ranking = manifest.methods.get("ranking", "")
        table.add_row(manifest.version, serves, made, f"{manifest.samples:,}", ranking, auc, pcoc)
    Console().print(table)
    write_json(json, {"current": current, "bundles": [msgspec.to_builtins(m) for m in manifests]})


@app.command()
def show(version: Version = None, directory: Directory = HERE, json: JsonFile = None) -> None:
    """What a bundle says of itself. Example: adcascade bundle show --dir demo."""
    bundles = _bundles(directory)
    manifest = bundles.manifest(_version(bundles, version))
    table = Table("field", "value", show_header=False)
    for key, value in msgspec.to_builtins(manifest).items():
        if key != "files":
            table.add_row(key, msgspec.json.encode(value).decode())
    table.add_row("files", f"{len(manifest.files)}")
    Console().print(table)
    write_json(json, msgspec.to_builtins(manifest))


@app.command()
def verify(version: Version = None, directory: Directory = HERE) -> None:
    """Check every file against its checksum. Example: adcascade bundle verify --dir demo."""
    bundles = _bundles(directory)
    manifest = bundles.verify(_version(bundles, version))
    Console().print(f"{manifest.version}: {len(manifest.files)} files, all as they were written")


@app.command()
def promote(version: Annotated[str, typer.Argument(help="Version.")], directory: Directory = HERE) -> None:
    """Make a version the one that serves; running servers swap within a second."""
    promoting.promote(_bundles(directory), version, who="cli", time_us=time.time_ns() // 1000)
    Console().print(f"{version} serves")


@app.command()
def rollback(directory: Directory = HERE) -> None:
    """Go back to the version that served before. Example: adcascade bundle rollback --dir demo."""
    change = promoting.roll_back(_bundles(directory), who="cli", time_us=time.time_ns() // 1000)
    Console().print(f"{change.after} serves again")


@app.command()
def shadow(
    version: Annotated[str | None, typer.Argument(help="Version; without it the order is shown.")] = None,
    share: Annotated[float, typer.Option(help="Of the requests that it answers again.")] = 0.05,
    off: Annotated[bool, typer.Option("--off", help="End it.")] = False,
    directory: Directory = HERE,
) -> None:
    """Let a bundle answer a share of the live requests again, unseen, to compare both by the same clicks.

    Running servers follow within seconds. Example: adcascade bundle shadow VERSION --share 0.05 --dir demo
    """
    bundles, now_us = _bundles(directory), time.time_ns() // 1000
    if off and version is not None:
        raise InputError("--off", version, "no version beside it", "one bundle shadows at a time, and --off ends it")
    if off:
        told = "the shadow is off" if order.stop(bundles, who="cli", time_us=now_us) else "no bundle shadows"
    elif version is not None:
        order.start(bundles, version, share, who="cli", time_us=now_us)
        told = f"{version} shadows {share:.4g} of the requests"
    else:
        told = _told(order.order_of(bundles.folder))
    Console().print(told, highlight=False, markup=False)


def _told(found: order.Order | None) -> str:
    if found is None:
        return "no bundle shadows"
    if found.trouble:
        return f"{found.version} does not shadow any more: {found.trouble}"
    return f"{found.version} shadows {found.share:.4g} of the requests, by {found.who}"
