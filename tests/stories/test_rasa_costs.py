"""What rasa_costs.py puts in place of Rasa's own decides as Rasa does."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from rasa.core import processor
from rasa.core.agent import Agent
from rasa.core.policies.memoization import AugmentedMemoizationPolicy
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from sijbot.adapters import rasa_costs
from sijbot.settings import ROOT, Settings
from tests.stories.test_stories import DOMAIN, _policy, _trackers

SEED, CONVERSATIONS, MOST_TURNS = 3, 400, 6
LISTEN = "action_listen"
pytestmark = pytest.mark.slow
AS_RASA_HAS_THEM = {"recall": AugmentedMemoizationPolicy._recall_using_truncation, "rules": RulePolicy._find_action_from_rules}


def _listens(event: object) -> bool:
    return isinstance(event, ActionExecuted) and event.action_name == LISTEN


@pytest.fixture(scope="module")
def conversations() -> list[DialogueStateTracker]:
    """Return conversations of pieces of stories and single turns in random order, each before an action."""
    draw, pieces = random.Random(SEED), []
    for story in _trackers(ROOT / "data" / "rules.yml", ROOT / "data" / "stories.yml"):
        pieces.append([event for event in story.applied_events() if isinstance(event, (UserUttered, ActionExecuted))][1:])
    made = []
    for _ in range(CONVERSATIONS):
        events = [ActionExecuted(LISTEN), *(event for _ in range(draw.randint(1, MOST_TURNS)) for event in draw.choice(pieces))]
        events = [event for before, event in zip([None, *events], events) if not (_listens(before) and _listens(event))]
        places = [place for place, event in enumerate(events) if isinstance(event, ActionExecuted) and place]
        made.append(DialogueStateTracker.from_events("talk", events[: draw.choice(places)], DOMAIN.slots))
    return made


def test_stories_are_found_where_rasa_finds_them(conversations: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = _policy(AugmentedMemoizationPolicy, tmp_path)
    policy.train(_trackers(ROOT / "data" / "stories.yml"), DOMAIN)

    def decisions(recall) -> list:
        monkeypatch.setattr(AugmentedMemoizationPolicy, "_recall_using_truncation", recall)
        return [policy.predict_action_probabilities(tracker, DOMAIN).probabilities for tracker in conversations]

    ours = decisions(rasa_costs._recall)

    assert ours == decisions(AS_RASA_HAS_THEM["recall"])
    assert 10 < sum(max(probabilities) > 0 for probabilities in ours) < CONVERSATIONS - 10


def test_rules_are_found_where_rasa_finds_them(conversations: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = _policy(RulePolicy, tmp_path)
    policy.train(_trackers(ROOT / "data" / "rules.yml", ROOT / "data" / "stories.yml"), DOMAIN)

    def decisions(find) -> list:
        monkeypatch.setattr(RulePolicy, "_find_action_from_rules", find)
        return [policy.predict_action_probabilities(tracker, DOMAIN).probabilities for tracker in conversations]

    assert decisions(rasa_costs._find_action) == decisions(AS_RASA_HAS_THEM["rules"])


def test_graph_gives_what_dask_gives(trained: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(runner: type) -> dict:
        monkeypatch.setattr(processor, "DaskGraphRunner", runner)
        agent = Agent.load(str(trained.model))
        assert type(agent.processor.graph_runner) is runner
        return asyncio.run(agent.parse_message("how do i sleep with this"))

    assert parsed(rasa_costs.OrderedGraphRunner) == parsed(DaskGraphRunner)
