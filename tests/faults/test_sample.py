"""A sample of the fault runs on every tier: what `sijbot faults` takes in an hour, as far as it fits into some minutes."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from sijbot.settings import ROOT, Settings

pytestmark = pytest.mark.slow
SAMPLE_S = 150 if os.environ.get("CI") else 60
STARTS_S = 600  # at most, of all tiers together, before the first of their runs
OURS = ("sqlite", "postgresql", "replicas")


@pytest.fixture(scope="module")
def sampled(trained: Settings, needs_postgres: None, needs_nginx: None, needs_root: None) -> subprocess.CompletedProcess:
    """The sample of our own tiers; what stock Rasa loses is a figure, and no test."""
    command = [sys.executable, "-W", "ignore", "-m", "sijbot.cli", "faults", "--sample", str(SAMPLE_S), *(word for tier in OURS for word in ("--tier", tier))]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * SAMPLE_S + STARTS_S)


def test_nothing_is_violated_and_every_tier_was_there(sampled):
    totals = re.search(r"\| all \| (.*) \|", sampled.stdout)

    assert totals, sampled.stdout[-3000:] + sampled.stderr[-3000:]
    assert all(re.fullmatch(r"[1-9]\d*: –", each) for each in totals[1].split(" | ")), sampled.stdout[-6000:]


def test_every_fault_that_was_tried_was_met(sampled):
    assert sampled.returncode == 0, sampled.stdout[-6000:]
