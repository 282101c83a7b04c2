"""What tests share: the content, the screen, a temporary database, and the trained model where a test needs it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ["TQDM_DISABLE"] = "1"
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")

import pytest

from sijbot.content import Content, load
from sijbot.settings import ROOT, Settings, from_environment
from sijbot.triage import Screen


@pytest.fixture(scope="session")
def content() -> Content:
    return load(ROOT / "content")


@pytest.fixture(scope="session")
def screen(content: Content) -> Screen:
    return Screen(content)


@pytest.fixture(scope="session")
def trained(content: Content) -> Settings:
    """The settings of the project with its model trained; `make test` trains before pytest starts."""
    from sijbot.adapters import training

    settings = from_environment()
    if not training.is_current(settings, content):
        fault = training.train(settings, content)
        assert fault is None, fault
    return settings


@pytest.fixture
def own_var(trained: Settings, tmp_path: Path) -> Settings:
    """The trained model with databases and secret of this test alone."""
    return dataclasses.replace(trained, database_url=f"sqlite:///{tmp_path / 'sijbot.db'}", secret="a secret of this test alone, long enough")
