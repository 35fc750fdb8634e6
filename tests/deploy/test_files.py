"""The files for operators name what exists: metrics, commands, paths; and they parse with the tools of their kind."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from prometheus_client.parser import text_string_to_metric_families
from tests.load.installation import AUCTION, impressions, make_catalog
from tests.server.process import SERVE, Process

from adcascade.cascade.readings import METRICS
from adcascade.server.dashboard import FILE, written

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
NAME = re.compile(r"\badcascade_[a-z_]+")


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What a real server exports after an auction and an event."""
    folder = tmp_path_factory.mktemp("served")
    make_catalog(folder, campaigns=2)
    server = Process(folder, SERVE)
    server.start()
    token = server.ask("POST", "/v2/auctions", AUCTION)[1]["results"][0]["winners"][0]["resolvedBidId"]
    server.ask("POST", "/v2/events", impressions("e", [token]))
    yield server.ask("GET", "/metrics")[1].decode()
    server.kill()


def exported(text: str) -> set[str]:
    """Names of families, and of the series that belong to them."""
    families = list(text_string_to_metric_families(text))
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {family.name + ending for family in families for ending in endings[family.type]}


def test_every_metric_is_exported_with_its_meaning(exposition: str) -> None:
    """The exposition parses; each metric of the table is there with its kind and help, and a value where unlabelled."""
    families = {family.name: family for family in text_string_to_metric_families(exposition)}
    for metric in METRICS:
        family = families[metric.name]
        assert (family.type, family.documentation) == (metric.kind, metric.meaning)
        assert metric.labels or len(family.samples) == 1
        assert all(set(sample.labels) == set(metric.labels) for sample in family.samples)


def test_the_dashboard_is_fresh_and_shows_only_what_is_exported(exposition: str) -> None:
    """`make docs` would change nothing; every metric that it names is exported, and it shows every one of the table."""
    text = (ROOT / FILE).read_text("utf-8")
    assert text == written(), "run `make docs` and commit the file"
    expressions = [one["expr"] for panel in json.loads(text)["panels"] for one in panel.get("targets", ())]
    named = {name for expression in expressions for name in NAME.findall(expression)}
    assert named <= exported(exposition)
    assert {metric.name for metric in METRICS} <= {name.removesuffix("_total") for name in named}


def test_alert_rules_name_only_what_is_exported(exposition: str) -> None:
    """Each rule has a summary and a remedy."""
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert set(NAME.findall(rule["expr"])) <= exported(exposition), rule["alert"]
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["remedy"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is absent: install the package prometheus")
def test_promtool_finds_nothing_to_say(exposition: str) -> None:
    """Rules, configuration and exposition pass Prometheus's own check."""
    for command in (["rules", str(RULES)], ["config", str(DEPLOY / "prometheus" / "prometheus.yml")]):
        subprocess.run(["promtool", "check", *command], check=True, capture_output=True)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True, check=False
    )
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "parsing" in line or "error" in line]
    assert complaints == []


@pytest.mark.parametrize("name", ["adcascade.service", "adcascade-shard@.service"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is absent")
def test_the_unit_is_valid_and_hardened(tmp_path: Path, name: str) -> None:
    """systemd finds no fault in the unit, with a program and a user that this machine has; exposure is low."""
    text = (DEPLOY / "systemd" / name).read_text("utf-8")
    unit = tmp_path / name.replace("@", "@1")
    unit.write_text(text.replace("/opt/adcascade/bin/adcascade", "/bin/true").replace("=adcascade\n", "=daemon\n", 2))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert str(unit) not in done.stderr, done.stderr
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)], capture_output=True, text=True, check=False
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", told.stdout)
    assert found is not None, told.stderr
    assert float(found[1]) < 3.0


def instructions() -> list[dict[str, Any]]:
    """Of the Dockerfile, in order."""
    made: list[dict[str, Any]] = DockerfileParser(str(DEPLOY / "Dockerfile")).structure
    return made


def test_the_image_serves_without_root_and_without_torch() -> None:
    """Two stages, a user that is not root, a health check, pinned bases, and no extra that brings torch."""
    told = [(one["instruction"], one["value"]) for one in instructions() if one["instruction"] != "COMMENT"]
    assert [name for name, _ in told].count("FROM") == 2
    last = told[max(place for place, (name, _) in enumerate(told) if name == "FROM") :]
    assert ("USER", "adcascade") in last
    assert any(name == "HEALTHCHECK" for name, _ in last)
    assert all(":" in value and ":latest" not in value for name, value in told if name == "FROM")
    assert not any("train" in value or "torch" in value for _, value in told)
    for name, value in told:
        if name == "COPY" and "--from" not in value:
            assert all((ROOT / part).exists() for part in value.split()[:-1]), value


def test_the_compose_file_fits_together() -> None:
    """Services, volumes, files and dependencies exist; secrets are asked for and stand nowhere."""
    text = (DEPLOY / "compose.yml").read_text("utf-8")
    told = yaml.safe_load(text)
    services = told["services"]
    assert set(services) == {"adcascade", "postgres", "redis", "prometheus", "grafana"}
    for name, service in services.items():
        assert service.get("build") or ":" in service["image"], name
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in told["volumes"], volume
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    assert text.count("PASSWORD:?") == 3
    build = services["adcascade"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).exists()
