"""What is counted: the promised names, labels out of fixed sets alone, and at a small cost."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
import urllib.request

import pytest

from sijbot import metrics
from sijbot.settings import Settings, SettingsError

PROMISED = {
    "sijbot_turns_total", "sijbot_turn_seconds_bucket", "sijbot_turn_seconds_sum", "sijbot_turn_seconds_count", "sijbot_levels_raised_total", "sijbot_fallbacks_total", "sijbot_conflicts_total",
    "sijbot_turns_at_work", "sijbot_outbox_queued", "sijbot_outbox_failed", "sijbot_outbox_oldest_seconds", "sijbot_ready", "sijbot_database_faults_total", "sijbot_loop_lag_seconds",
    "sijbot_build_info",
}  # fmt: skip
CANARY = "quokkabracket"
MOST_MICROSECONDS = 40  # measured: 11; on a machine that does other things too


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_the_names_are_those_that_dashboards_rely_on():
    assert metrics.names() == PROMISED


@pytest.mark.parametrize(
    "count",
    [
        lambda: metrics.turn(CANARY, "web", 0.1), lambda: metrics.turn(metrics.ANSWERED, CANARY, 0.1), lambda: metrics.turn([CANARY], "web", 0.1), lambda: metrics.stage(CANARY),
        lambda: metrics.level_raised(CANARY), lambda: metrics.fallback(CANARY), lambda: metrics.content_in_use(CANARY), lambda: metrics.model_in_use(CANARY),
    ],
)  # fmt: skip
def test_a_label_out_of_no_set_is_refused_and_not_repeated(count):
    with pytest.raises(ValueError) as refusal:
        count()

    assert CANARY not in str(refusal.value)
    assert not [sample for metric in metrics.REGISTRY.collect() for sample in metric.samples if CANARY in str(sample.labels)]


def test_a_turn_counts_once_and_with_its_time():
    turns, whole = (lambda: value("sijbot_turns_total", outcome="shed", channel="web")), (lambda: value("sijbot_turn_seconds_sum", stage="whole"))
    before = turns(), whole()

    metrics.turn(metrics.SHED, "web", 0.25)

    assert turns() == before[0] + 1 and whole() == pytest.approx(before[1] + 0.25)


def test_a_stage_that_raises_is_measured_too_and_raises():
    def took() -> float:
        return value("sijbot_turn_seconds_count", stage="load")

    before = took()

    with pytest.raises(KeyError), metrics.stage("load"):
        raise KeyError

    assert took() == before + 1


def test_turns_at_work_come_and_go_also_where_one_raises():
    before = value("sijbot_turns_at_work")

    with pytest.raises(KeyError), metrics.at_work():
        inside = value("sijbot_turns_at_work")
        raise KeyError

    assert (inside, value("sijbot_turns_at_work")) == (before + 1, before)


class OperationalError(Exception):
    """As the library of the database calls it."""


@pytest.mark.parametrize("error, kind", [(OperationalError(CANARY), "unavailable"), (TimeoutError(), "slow"), (asyncio.TimeoutError(), "slow"), (ZeroDivisionError(), "other")])
def test_a_fault_of_the_database_is_told_by_its_class(error, kind):
    before = value("sijbot_database_faults_total", kind=kind)

    metrics.database_fault(error)

    assert value("sijbot_database_faults_total", kind=kind) == before + 1


def test_gauges_hold_the_latest():
    metrics.outbox(queued=3, failed=1, oldest_seconds=12.5)
    metrics.ready(True)
    metrics.ready(False)
    metrics.content_in_use("0123456789ab")
    metrics.model_in_use("f" * 64)

    assert [value(f"sijbot_outbox_{name}") for name in ("queued", "failed", "oldest_seconds")] == [3, 1, 12.5]
    assert value("sijbot_ready") == 0
    assert value("sijbot_build_info", content_version="0123456789ab", model="f" * 12) == 1


def test_of_how_late_the_loop_was_the_worst_of_the_latest_is_shown():
    for late_s in (0.7, 0.01):
        metrics.loop_late(late_s)
    assert value("sijbot_loop_lag_seconds") == 0.7

    for _ in range(metrics.LAG_LOOKS):
        metrics.loop_late(0.02)
    assert value("sijbot_loop_lag_seconds") == 0.02


def test_series_are_there_before_anything_happened():
    shown = {(sample.name, *sample.labels.values()) for metric in metrics.REGISTRY.collect() for sample in metric.samples}

    assert {("sijbot_turns_total", outcome, "web") for outcome in metrics.OUTCOMES} <= shown
    assert {("sijbot_database_faults_total", kind) for kind in metrics.DATABASE_FAULTS} <= shown


def test_a_turn_costs_little():
    def one_turn() -> None:
        with metrics.at_work():
            for name in metrics.STAGES[:-1]:
                with metrics.stage(name):
                    pass
        metrics.turn(metrics.ANSWERED, "web", 0.1)
        metrics.level_raised("urgent")
        metrics.fallback("doubt")

    best = min(_seconds(one_turn, 1000) for _ in range(10))

    assert best * 1e6 < MOST_MICROSECONDS


def _seconds(work, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_a_port_nothing_listens(monkeypatch):
    monkeypatch.setattr(metrics, "start_http_server", lambda *_: pytest.fail("it listens"))

    metrics.serve(Settings())


def test_the_listener_shows_what_is_counted(free_port):
    metrics.serve(dataclasses.replace(Settings(), metrics_port=free_port))

    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics", timeout=5) as answer:
        shown = answer.read().decode()
    assert 'sijbot_turns_total{channel="web",outcome="answered"}' in shown and "process_resident_memory_bytes" in shown


def test_a_port_that_is_used_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(SettingsError, match=f"SIJBOT_METRICS_PORT: port {taken.getsockname()[1]}"):
            metrics.serve(dataclasses.replace(Settings(), metrics_port=taken.getsockname()[1]))
