"""`adcascade key`: who may use the admin API."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from adcascade.access.keys import Role, Scope
from adcascade.access.store import KeyStore
from adcascade.cli.options import Directory, JsonFile, require_folder, write_json
from adcascade.settings import load_settings

app = typer.Typer(help="Keys of the admin API: create, list, revoke.", no_args_is_help=True)
HERE = Path()


def _store(directory: Path) -> KeyStore:
    require_folder(directory)
    return KeyStore(load_settings(directory).catalog_url)


def _now_us() -> int:
    return time.time_ns() // 1000


@app.command()
def create(  # noqa: PLR0917  options of a command
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[str, typer.Option("--role", help="viewer, manager or administrator.")] = "viewer",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="Only this of what the role may do, such as catalog:read.")
    ] = None,
    advertiser: Annotated[
        list[str] | None, typer.Option("--advertiser", help="Only what belongs to this advertiser; may be repeated.")
    ] = None,
    days: Annotated[float | None, typer.Option("--days", help="Expires after so many days.")] = None,
    directory: Directory = HERE,
    json: JsonFile = None,
) -> None:
    """Make a key and show it, this once. Example: adcascade key create ann --role manager --advertiser acme."""
    with _store(directory) as store:
        key, text = store.create(
            name,
            cast("Role", role),  # the store refuses what is none
            scopes=None if scope is None else cast("tuple[Scope, ...]", tuple(scope)),
            advertisers=tuple(advertiser or ()),
            days=days,
            now_us=_now_us(),
            by="cli",
        )
    Console(stderr=True).print(f"key {key.id} of {key.name}, {key.role}; keep it, it is not shown again:")
    print(text)  # noqa: T201  this is the output
    write_json(json, msgspec.to_builtins(key))


@app.command("list")
def list_(directory: Directory = HERE, json: JsonFile = None) -> None:
    """All keys, without their secrets. Example: adcascade key list --dir demo."""
    with _store(directory) as store:
        found = store.all()
    now_us = _now_us()
    table = Table("id", "name", "role", "advertisers", "created", "last used", "state")
    for key in found:
        state = key.why_not(now_us) or "in force"
        who = ", ".join(key.advertisers) or "all"
        table.add_row(key.id, key.name, key.role, who, _day(key.created_us), _day(key.used_us), state)
    Console().print(table if found else "no keys")
    write_json(json, {"keys": [msgspec.to_builtins(key) for key in found]})


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key.", metavar="ID")], directory: Directory = HERE
) -> None:
    """A key opens nothing any more, from the next request on. Example: adcascade key revoke 0a1b2c3d4e5f."""
    with _store(directory) as store:
        key = store.revoke(key_id, _now_us())
    Console().print(f"key {key.id} of {key.name} is revoked")


def _day(time_us: int | None) -> str:
    return "" if time_us is None else f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M}"
