"""What tests share: the content, the screen, a temporary database, and the trained model where a test needs it."""

from __future__ import annotations

import dataclasses
import os
import uuid
from pathlib import Path
from typing import Iterator, Optional

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ["TQDM_DISABLE"] = "1"
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")

import pytest

from sijbot.content import Content, load
from sijbot.settings import ROOT, Settings, from_environment
from sijbot.temporary_postgres import programs, temporary_postgres
from sijbot.triage import Screen


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--controls", action="store_true", help="for a run of whole folders of tests: fail where a control of safety/hazards.yml has no passing test in them")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--controls") and not hasattr(config, "workerinput"):  # of several processes the one that sees what all of them did
        from scripts.hazards import load as load_hazards
        from tests.controls import ControlWatch, in_folders

        named = in_folders(load_hazards().hazards_of_tests, [str(config.invocation_params.dir / each) for each in config.args], ROOT)
        config.pluginmanager.register(ControlWatch(named, is_skip_allowed=not os.environ.get("CI")))


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of the tests' own, on a socket in a folder of its own: the address of it, with {database} for a name. Skipped where none is installed, except in CI."""
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    with temporary_postgres() as server:
        yield server.address


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A RabbitMQ of the tests' own, in a folder and on ports of its own (tests.adapters.peers.RabbitMQ). Skipped where none is installed, except in CI."""
    from tests.adapters.peers import RABBITMQ, RabbitMQ

    if not RABBITMQ.is_file() and not os.environ.get("CI"):
        pytest.skip("RabbitMQ is not installed (Debian: apt install rabbitmq-server)")
    assert RABBITMQ.is_file(), "CI needs RabbitMQ"
    broker = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database: the same test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sijbot.db'}"
    return new_database(request.getfixturevalue("postgres"))


def new_database(server: str, name: Optional[str] = None) -> str:
    """Return the address of a new database on the server."""
    import sqlalchemy as sa

    name = name or f"t{uuid.uuid4().hex}"
    engine = sa.create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT", future=True)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.format(database=name)
