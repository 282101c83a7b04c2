"""The parts of a process for actions that run without one."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

from sijbot import clock, runtime
from sijbot.records.schema import make_engine, migrate
from sijbot.settings import Settings


@pytest.fixture(scope="module")
def built() -> runtime.Runtime:
    return runtime.build(Settings(database_url="sqlite://"))


@pytest.fixture(autouse=True)
def parts(built: runtime.Runtime) -> Iterator[runtime.Runtime]:
    """The parts of a process, with a database of this test alone."""
    built.engine = make_engine("sqlite://")
    migrate(built.engine)
    runtime.use(built)
    yield built
    runtime.use(None)
    clock.reset()


@pytest.fixture
def words(content: Any) -> Callable[..., str]:
    """Return a text of wording.yml as somebody in the United Kingdom reads it."""
    uk = content.regions["uk"]
    lines = {"emergency_line": uk.emergency_line, "urgent_line": uk.urgent_line, "doctor": uk.doctor}
    return lambda key, **places: content.wording[key].format(**{**lines, **places})
