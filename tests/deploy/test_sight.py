"""Dashboard, alerts and the page for operators name what is counted, and all of it; and each alert has a page that says what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from sijbot import metrics
from sijbot.content.model import LEVELS
from sijbot.settings import ROOT

ALERTS, DASHBOARD, PAGE = ROOT / "deploy/prometheus/alerts.yml", ROOT / "deploy/grafana/sijbot.json", ROOT / "docs/operations.md"
BY_PROCESS = {"process_resident_memory_bytes", "process_start_time_seconds"}  # out of the library
SETS = {"outcome": metrics.OUTCOMES, "channel": metrics.CHANNELS, "stage": metrics.STAGES, "level": LEVELS, "kind": (*metrics.FALLBACKS, *metrics.DATABASE_FAULTS)}
COLUMNS = 24  # of a dashboard
RULES = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
QUERIES = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]


def named(text: str) -> set[str]:
    return set(re.findall(r"\b(?:sijbot|process)_[a-z_]+\b", text))


def promtool(*arguments: object) -> subprocess.CompletedProcess:
    """Run the checker of Prometheus. Skipped where it is not installed, except in CI."""
    if not shutil.which("promtool"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("promtool is not installed (Debian: apt install prometheus)")
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_queries_ask_for_what_is_counted():
    asked = set.union(*map(named, QUERIES))

    assert asked - BY_PROCESS <= metrics.names() and asked & BY_PROCESS == BY_PROCESS
    assert BY_PROCESS <= {sample.name for metric in metrics.REGISTRY.collect() for sample in metric.samples}


def test_all_that_is_counted_is_looked_at():
    assert metrics.names() - set.union(*map(named, QUERIES)) == set()


def test_the_page_names_all_that_is_counted_and_nothing_else():
    table = PAGE.read_text(encoding="utf-8").partition("## What is measured")[2].partition("\n## ")[0]
    families = {re.sub(r"_(?:sum|count)$", "_bucket", name) for name in metrics.names()}

    assert {name for name in named(table) if name != "sijbot_turn_seconds"} == families


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_labels_that_there_are(query):
    for label, value in re.findall(r'(\w+)(?:=|!=|=~)"([^"]*)"', query):
        if label in SETS:
            assert set(value.split("|")) <= set(SETS[label]), query
        else:
            assert label in ("job", "content_version")
    assert query.count("(") == query.count(")") and query.count("{") == query.count("}")


def test_each_alert_has_a_page_and_each_page_an_alert():
    headings = re.findall(r"^### (Sijbot\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_grave_it_is_and_where_to_read_on(rule):
    section = PAGE.read_text(encoding="utf-8").partition(f"### {rule['alert']}\n")[2].partition("\n### ")[0]

    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert section.strip().startswith(f"{rule['labels']['severity'].capitalize()}. *Sees:*")
    assert "*Means:*" in section and "1. **First**:" in section and rule["annotations"]["summary"]


def test_links_of_the_page_lead_somewhere():
    page = PAGE.read_text(encoding="utf-8")
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}

    for link in re.findall(r"\]\(([^)]+)\)", page):
        path, _, anchor = link.partition("#")
        assert (PAGE.parent / path).exists() if path else anchor in anchors, link


def test_panels_stand_beside_one_another_and_have_numbers_of_their_own():
    boxes = [tuple(panel["gridPos"][key] for key in "xywh") for panel in PANELS]

    assert all(x + w <= COLUMNS for x, _, w, _ in boxes)
    assert not [(a, b) for a, b in combinations(boxes, 2) if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]]
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_prometheus_takes_the_files():
    check = promtool("check", "config", ALERTS.parent / "prometheus.yml")

    assert check.returncode == 0, check.stdout + check.stderr


TURNS = 'sijbot_turns_total{outcome="%s"}'
DATABASE = 'sijbot_database_faults_total{kind="%s"}'
BUCKET = 'sijbot_turn_seconds_bucket{stage="whole",le="%s"}'
# Alert -> series in which it is raised after an hour, and others in which it is not. A counter "0+60x240" rises by 60 every 15 s.
FIRES = {
    "SijbotNoneReady": ({'sijbot_ready{instance="a"}': "0x240", 'sijbot_ready{instance="b"}': "0x240"}, {'sijbot_ready{instance="a"}': "0x240", 'sijbot_ready{instance="b"}': "1x240"}),
    "SijbotFewReady": ({'sijbot_ready{instance="a"}': "1x240", 'sijbot_ready{instance="b"}': "0x240"}, {'sijbot_ready{instance="a"}': "1x240", 'sijbot_ready{instance="b"}': "1x240"}),
    "SijbotNotSeen": ({'up{job="sijbot",instance="a"}': "0x240"}, {'up{job="sijbot",instance="a"}': "1x240", 'up{job="other"}': "0x240"}),
    "SijbotTurnsFail": ({TURNS % "failed": "0+3x240", TURNS % "answered": "0+97x240"}, {TURNS % "failed": "0+1x240", TURNS % "answered": "0+99x240"}),
    "SijbotSlow": ({BUCKET % "1.0": "0+98x240", BUCKET % "1.5": "0+100x240", BUCKET % "+Inf": "0+100x240"}, {BUCKET % "0.5": "0+99x240", BUCKET % "1.0": "0+100x240", BUCKET % "+Inf": "0+100x240"}),
    "SijbotShedding": ({TURNS % "shed": "0+2x240", TURNS % "answered": "0+98x240"}, {TURNS % "shed": "0+0x240", TURNS % "answered": "0+98x240"}),
    "SijbotDatabaseFaults": ({DATABASE % "unavailable": "0+1x240"}, {DATABASE % "unavailable": "0+0x240", DATABASE % "taken": "0+50x240"}),
    "SijbotHandOffsLate": ({"sijbot_outbox_oldest_seconds": "0+15x240"}, {"sijbot_outbox_oldest_seconds": "299x240"}),
    "SijbotHandOffsFailed": ({"sijbot_outbox_failed": "1x240"}, {"sijbot_outbox_failed": "0x240"}),
    "SijbotLoopHeldUp": ({'sijbot_loop_lag_seconds{instance="a"}': "0.6x240"}, {'sijbot_loop_lag_seconds{instance="a"}': "0.4x240"}),
    "SijbotConflicts": ({"sijbot_conflicts_total": "0+6x240", TURNS % "answered": "0+100x240"}, {"sijbot_conflicts_total": "0+4x240", TURNS % "answered": "0+100x240"}),
    "SijbotReplicasDiffer": (
        {'sijbot_build_info{content_version="a",model="m"}': "1x240", 'sijbot_build_info{content_version="b",model="m"}': "1x240"},
        {'sijbot_build_info{content_version="a",model="m"}': "1x240", "sijbot_build_info": "1x240"},
    ),
    "SijbotFewAnswers": (
        {'sijbot_fallbacks_total{kind="doubt"}': "0+60x480", TURNS % "answered": "0+100x480"}, {'sijbot_fallbacks_total{kind="doubt"}': "0+40x480", TURNS % "answered": "0+100x480"},
    ),
    "SijbotMemory": ({'process_resident_memory_bytes{job="sijbot",instance="a"}': "1.3e9x240"}, {'process_resident_memory_bytes{job="sijbot",instance="a"}': "6e8x240"}),
    "SijbotRestarts": ({'process_start_time_seconds{job="sijbot",instance="a"}': "0+1x240"}, {'process_start_time_seconds{job="sijbot",instance="a"}': "7x240"}),
}  # fmt: skip


def test_each_alert_has_a_case():
    assert list(FIRES) == [rule["alert"] for rule in RULES]


def test_alerts_are_raised_when_they_should_be_and_not_before(tmp_path: Path):
    looked_at = "2h"
    tests = [
        {
            "interval": "15s", "name": f"{alert} {'raised' if is_raised else 'not raised'}",
            "input_series": [{"series": series, "values": values.replace("x240", "x480")} for series, values in case.items()],
            "promql_expr_test": [{"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": looked_at, "exp_samples": [{"labels": "{}", "value": 1}] if is_raised else []}],
        }
        for alert, cases in FIRES.items() for case, is_raised in zip(cases, (True, False))
    ]  # fmt: skip
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "15s", "tests": tests}), encoding="utf-8")

    check = promtool("test", "rules", path)

    assert check.returncode == 0, check.stdout + check.stderr
