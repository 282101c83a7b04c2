"""Every story is needed, and `rasa test` notices a broken one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rasa.core.policies.memoization import AugmentedMemoizationPolicy
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted
from rasa.shared.core.generator import TrainingDataGenerator
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.loading import load_data_from_files
from rasa.shared.core.training_data.structures import StoryGraph

from sijbot.settings import ROOT, Settings

STORIES = yaml.safe_load((ROOT / "data" / "stories.yml").read_text("utf-8"))["stories"]
TWINS = yaml.safe_load((ROOT / "tests" / "test_stories.yml").read_text("utf-8"))["stories"]
CONFIG = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
DOMAIN = Domain.load([str(ROOT / "domain.yml"), str(ROOT / "data" / "responses" / "small_talk.yml")])
pytestmark = pytest.mark.slow


def _policy(kind: type, folder: Path):
    settings = next(policy for policy in CONFIG["policies"] if policy["name"] == kind.__name__)
    config = {**kind.get_default_config(), **{key: value for key, value in settings.items() if key != "name"}}
    return kind(config, LocalModelStorage.create(folder), Resource(kind.__name__), ExecutionContext(GraphSchema({})))


def _trackers(*files: Path) -> list:
    graph = StoryGraph(load_data_from_files([str(file) for file in files], DOMAIN))
    return TrainingDataGenerator(graph, DOMAIN, augmentation_factor=0, use_story_concatenation=False).generate()


def _write(path: Path, stories: list) -> Path:
    path.write_text(yaml.safe_dump({"version": "3.1", "stories": stories}), "utf-8")
    return path


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RulePolicy:
    policy = _policy(RulePolicy, tmp_path_factory.mktemp("rules"))
    policy.train(_trackers(ROOT / "data" / "rules.yml", ROOT / "data" / "stories.yml"), DOMAIN)
    return policy


def _first_wrong_action(story: dict, trained_on: list, rules: RulePolicy, folder: Path) -> str:
    """Return the first action of the story that memory and rules together would not take, or an empty text."""
    memory = _policy(AugmentedMemoizationPolicy, folder / "memory")
    memory.train(_trackers(_write(folder / "trained_on.yml", trained_on)), DOMAIN)
    (tracker,) = _trackers(_write(folder / "story.yml", [story]))
    names = DOMAIN.action_names_or_texts
    for before, action in _steps(tracker):
        remembered = memory.predict_action_probabilities(before, DOMAIN).probabilities
        chosen = remembered if max(remembered) > 0 else rules.predict_action_probabilities(before, DOMAIN).probabilities
        if names[chosen.index(max(chosen))] != action:
            return action
    return ""


def _steps(tracker):
    """Yield (tracker before an action, the action's name) along a story."""
    events = list(tracker.applied_events())
    for index, event in enumerate(events):
        if isinstance(event, ActionExecuted) and index > 0:
            yield DialogueStateTracker.from_events("story", events[:index], DOMAIN.slots), event.action_name


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_a_story_is_followed(story: dict, rules: RulePolicy, tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()

    assert _first_wrong_action(story, STORIES, rules, tmp_path) == ""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["story"])
def test_without_a_story_its_twin_fails(story: dict, rules: RulePolicy, tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    others = [other for other in STORIES if other is not story]

    assert _first_wrong_action(story, others, rules, tmp_path) != ""


def test_every_story_has_a_twin_with_the_same_actions() -> None:
    def actions(story: dict) -> list[str]:
        return [step["action"] for step in story["steps"] if "action" in step]

    assert {story["story"]: actions(story) for story in STORIES} == {twin["story"]: actions(twin) for twin in TWINS}
    assert len(STORIES) >= 12


def _rasa_test(stories: Path, model: Path, out: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable, "-W", "ignore", "-m", "rasa", "test", "core", "--stories", str(stories), "--model", str(model), "--out", str(out),
        "--fail-on-prediction-errors", "--no-plot",
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "RASA_TELEMETRY_ENABLED": "false"}, capture_output=True, text=True)


def test_rasa_test_passes_on_the_tree(trained: Settings, tmp_path: Path) -> None:
    done = _rasa_test(ROOT / "tests" / "test_stories.yml", trained.model, tmp_path)

    assert done.returncode == 0, done.stderr[-2000:]


def test_rasa_test_fails_on_a_broken_story(trained: Settings, tmp_path: Path) -> None:
    broken = yaml.safe_load(yaml.safe_dump(TWINS[:2]))
    broken[0]["steps"][-1]["action"] = "action_hand_off"

    done = _rasa_test(_write(tmp_path / "test_stories.yml", broken), trained.model, tmp_path)

    assert done.returncode == 1, done.stdout[-2000:]
