"""The page of models: what the shelf and the log say, damaged or not; who promotes, by what he saw."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.cascade.test_bundle_shelf import named
from tests.cascade.test_calibration_curve import answer, seen
from tests.console.chromium import Person, chromium
from tests.console.conftest import AtShelf, Key
from tests.console.installation import installed, key_of, visited
from tests.console.shelf import KNOWN, stored
from tests.server.process import Process

from adcascade.calibration.maps import Identity, Isotonic, Platt
from adcascade.calibration.stored import TargetMaps
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.bundle_shelf import Shelved
from adcascade.cascade.calibration_curve import curves_of
from adcascade.cascade.promoting import changes
from adcascade.console.pages.models.views import (
    curve_figures,
    held_out_rows,
    metric_words,
    over_time,
    scenario_rows,
    stored_of,
    table_of,
)
from adcascade.console.table import Asked
from adcascade.settings import load_settings


def test_the_table_holds_every_bundle_once() -> None:
    """By any order; what cannot be read stands last by value, with its trouble."""
    shelf = [named("b"), Shelved(version="a", serves=True, trouble="it is gone"), named("c")]
    for sort in ("-made", "auc", "-pcoc", "samples"):
        table, page = table_of(shelf, Asked(sort=sort))
        assert sorted(one.version for one in page) == ["a", "b", "c"]
        assert table.total == 3
    table, page = table_of(shelf, Asked(sort="-made", search="damaged"))
    assert [one.version for one in page] == ["a"]
    assert table.rows[0].state == "serves and damaged"  # type: ignore[attr-defined]


def test_charts_hold_what_was_measured_by_time(bundles: Bundles) -> None:
    """Oldest first; a bundle without metrics is no point."""
    unmeasured = stored(bundles, 9, metrics={})
    shelf = [Shelved(version=v, serves=False, manifest=bundles.manifest(v)) for v in reversed(bundles.versions())]
    auc, pcoc = over_time(shelf)
    assert [row.x for row in auc.rows] == sorted(row.x for row in auc.rows)
    assert [row.values for row in auc.rows] == [(0.71234,)] * 3
    assert [row.values for row in pcoc.rows] == [(1.02,)] * 3
    assert unmeasured.version not in {note for row in auc.rows for note in row.notes}


def test_metrics_are_all_told() -> None:
    """Known ones in words, unknown ones by name, times in seconds; none twice and none lost."""
    told = metric_words(KNOWN | {"odd": 0.5})
    assert len(told) == len(KNOWN) + 1
    assert {one.name: one.value for one in told}["odd"] == "0.5000"
    assert told[-1].name == "Learning ranking, seconds"


def test_metrics_by_scenario_are_told_largest_first() -> None:
    """What is undefined, as AUC without a click, is a dash; a manifest of before has no line."""
    told = {"few": {"rows": 3.0, "rate": 0.0}, "many": {"rows": 200.0, "rate": 0.25, "ctr_auc": 0.75, "ctr_pcoc": 1.0}}
    many, few = held_out_rows(told)
    assert (many.scenario, many.impressions, many.clicks, many.auc) == ("many", "200", "50", "0.7500")
    assert (few.scenario, few.clicks, few.auc, few.pcoc) == ("few", "0", "–", "–")
    assert held_out_rows({}) == ()


def test_curves_of_served_answers_are_drawn_by_scenario() -> None:
    """All traffic and each scenario has a figure and a row, with counts beside every point; nothing has none."""
    records = [one for k in range(40) for one in (answer(k, k / 50, "ab"[k % 2]), *seen(k, clicked=k % 5 == 0))]
    curves = curves_of([msgspec.msgpack.encode(one) for one in records], "b")
    assert [row.scenario for row in scenario_rows(curves)] == ["all traffic", "a", "b"]
    figure = curve_figures(curves)[0]
    assert sum(int(row.notes[0]) for row in figure.rows) == 40
    assert sum(int(row.notes[1]) for row in figure.rows) == 8
    assert all(row.values[1] == row.x for row in figure.rows)
    assert curve_figures(curves_of([], "b")) == ()


def test_stored_maps_are_drawn_as_they_are_applied() -> None:
    """A column a map, its value what the map makes of x; plain maps need no drawing."""
    maps = TargetMaps(everywhere=Platt(0.9, -0.2), scenarios={"home": Isotonic(), "search": Identity()})
    view = stored_of(maps)
    assert [(one.name, one.value) for one in view.rows] == [
        ("all traffic", "platt"), ("home", "isotonic"), ("search", "none"),
    ]  # fmt: skip
    assert view.figure is not None
    for row in view.figure.rows:
        assert row.values == tuple(float(one([row.x])[0]) for one in (maps.everywhere, Isotonic(), Identity()))
    assert stored_of(TargetMaps()).figure is None


def test_a_viewer_sees_and_changes_nothing(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """All bundles and each one; no way to promote, by page or by form."""
    for role in ("viewer", "manager"):
        visitor = at_shelf(key(role)[1])
        page = visitor.get("/models").text
        assert all(version in page for version in bundles.versions())
        assert "0.7123" in page
        assert "Roll back" not in page
        newest = bundles.versions()[-1]
        one = visitor.get(f"/models/{newest}")
        assert one.status_code == 200
        assert f"/models/{newest}/promote" not in one.text
        for path in (f"/models/{newest}/promote", "/models/back"):
            assert visitor.get(path).status_code == 403
            assert visitor.send(path, {"serving": bundles.current() or ""}).status_code == 403
    assert bundles.current() == bundles.versions()[1]


def test_an_administrator_promotes_and_rolls_back(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """After a second look at both; a line names his key; whoever decided by an older look changes nothing."""
    key_id, text = key()
    visitor = at_shelf(text)
    first, second, third = bundles.versions()
    look = visitor.get(f"/models/{third}/promote").text
    assert f"now: {second}" in look
    assert f"then: {third}" in look
    late = visitor.send(f"/models/{third}/promote", {"serving": first})
    assert late.status_code == 400
    assert second in late.text
    assert bundles.current() == second
    assert visitor.send(f"/models/{third}/promote", {"serving": second}).headers["location"] == "/models"
    assert bundles.current() == third
    said = visitor.get("/models").text
    assert f"{third} is promoted" in said
    assert f"key:{key_id}" in said
    assert f"Roll back to {second}" in said
    assert visitor.send("/models/back", {"serving": third}).status_code == 303
    assert bundles.current() == second
    assert [line.action for line in changes(bundles.folder)[0]] == ["roll back", "promote"]


def test_damage_is_shown_and_never_a_failure(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """Unreadable manifests, changed files, a serving version that is gone, names that are none: words, and no 500."""
    visitor = at_shelf(key()[1])
    first, second, third = bundles.versions()
    manifest = bundles.path(first) / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(b"\xff{")
    calibration = bundles.path(third) / "calibration" / "calibration.json"
    calibration.chmod(0o644)
    calibration.write_bytes(b"?")
    page = visitor.get("/models")
    assert page.status_code == 200
    assert "damaged" in page.text
    for version in (first, third):
        one = visitor.get(f"/models/{version}")
        assert one.status_code == 200
        refused = visitor.send(f"/models/{version}/promote", {"serving": second})
        assert refused.status_code == 409
        assert "nothing was changed" in refused.text
    assert "holds no calibration" in visitor.get(f"/models/{third}").text
    for name in ("x", "..%2F..", "%2E%2E", "20260101T000000-00000000"):
        assert visitor.get(f"/models/{name}").status_code == 404
    (bundles.folder / "current").write_bytes(b"20260101T000000-00000000\xff")
    gone = visitor.get("/models")
    assert gone.status_code == 200
    assert "should serve and is not there" in gone.text
    assert visitor.get(f"/models/{second}/promote").status_code == 200


def test_an_installation_without_a_bundle_says_how_to_make_one(at_shelf: AtShelf, key: Key, bundles: Bundles) -> None:
    """An absent folder is an empty shelf, and nothing is made in it."""
    bundles.folder.rename(bundles.folder.with_name("moved"))
    visitor = at_shelf(key()[1])
    assert "adcascade train" in visitor.get("/models").text
    assert visitor.get("/models/back").status_code == 404
    assert visitor.send("/models/back", {"serving": ""}).status_code == 409
    assert not bundles.folder.exists()


@pytest.fixture
def learned(tmp_path: Path) -> Iterator[Process]:
    """A real server that answers with a bundle, and its visitors."""
    with visited(installed(tmp_path / "installed")) as process:
        yield process


def test_a_promoted_bundle_serves_within_seconds(learned: Process, tmp_path: Path) -> None:
    """A person sees the curve of the bundle that serves, promotes a newer one, and the running server answers by it;
    then lets the one before shadow it, and sees both on the same impressions."""
    with chromium(tmp_path / "profile") as driver:
        person = Person(driver, f"http://127.0.0.1:{learned.port}")
        shadowed_by(person, promoted_by(person, learned))


def promoted_by(person: Person, server: Process) -> str:
    """The story; the version that served before."""
    bundles = Bundles(load_settings(server.folder).bundles_path)
    (before,) = bundles.versions()
    whole = bundles.manifest(before)
    newer = bundles.write(
        lambda folder: copied(bundles.path(before), folder), created_us=whole.created_us + 1_000_000,
        schema=whole.schema, methods=whole.methods, metrics=KNOWN, parents=(before,),
    )  # fmt: skip
    person.sign_in(key_of(server.folder, "administrator"))
    person.go(f"/models/{before}")
    assert person.wait("return document.querySelector('#chart-curve-0 tbody tr') !== null")
    person.go("/models")
    person.ask(
        "[...document.querySelectorAll('#bundles a')].find((a) => a.textContent == arguments[0]).click()", newer.version
    )
    person.wait(
        "return document.readyState == 'complete' && document.querySelector('.acts a').textContent == 'Promote'"
    )
    person.ask("document.querySelector('.acts a').click()")
    person.wait("return document.readyState == 'complete' && location.pathname.endsWith('/promote')")
    person.ask("document.querySelector('main form').requestSubmit()")
    person.wait("return document.readyState == 'complete' && location.pathname == '/models'")
    assert "is promoted" in person.ask("return document.querySelector('main [role=status]').textContent")

    def here() -> str:
        person.go("/models")
        return str(person.ask("return document.querySelector('.facts-line').textContent"))

    assert any(f"answers with {newer.version}" in here() for _ in range(60))
    assert person.complaints() == []
    return before


def shadowed_by(person: Person, version: str) -> None:
    """The story goes on."""
    person.go(f"/models/{version}/shadow")
    person.ask("document.querySelector('#share').value = '100'; document.querySelector('main form').requestSubmit()")
    person.wait(f"return document.readyState == 'complete' && location.pathname == '/models/{version}'")
    assert "shadows 100 % of the requests" in person.ask("return document.querySelector('main').textContent")

    def compared() -> bool:
        time.sleep(0.5)
        person.go(f"/models/{version}")
        return bool(person.ask("return document.querySelector('#chart-shadow-0-shadow tbody tr') !== null"))

    assert any(compared() for _ in range(40))
    assert person.complaints() == []


def copied(source: Path, target: Path) -> None:
    """The files of a bundle, without its manifest."""
    for file in source.rglob("*"):
        if file.is_file() and file.name != "manifest.json":
            (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (target / file.relative_to(source)).write_bytes(file.read_bytes())
