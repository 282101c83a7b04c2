"""config.yml, domain.yml, rules and stories fit each other and keep to the architecture."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Iterator

import pytest
import yaml
from rasa_sdk import Action

import actions
from sijbot.settings import ROOT

DOMAIN_LINES = 120
GATE = "sijbot.adapters.red_flag_gate.RedFlagGate"


def read(name: str):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


CONFIG, DOMAIN = read("config.yml"), read("domain.yml")
RULES, STORIES, TWINS = read("data/rules.yml")["rules"], read("data/stories.yml")["stories"], read("tests/test_stories.yml")["stories"]
PATHS = [*RULES, *STORIES]


def steps(paths: list, key: str) -> set[str]:
    return {step[key].partition("/")[0] for path in paths for step in path["steps"] if key in step}


def turns(story: dict) -> list[str]:
    """Return the intents and actions of a story, content ids left out."""
    return [step["intent"].partition("/")[0] if "intent" in step else step["action"] for step in story["steps"]]


def keys(item) -> Iterator[str]:
    """Yield every key at any depth."""
    if isinstance(item, dict):
        for key, value in item.items():
            yield key
            yield from keys(value)
    elif isinstance(item, list):
        for value in item:
            yield from keys(value)


def implemented() -> set[str]:
    """Return the names of the actions in actions/."""
    modules = [importlib.import_module(f"actions.{module.name}") for module in pkgutil.iter_modules(actions.__path__)]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Action)}
    return {kind().name() for kind in kinds if kind.__module__.startswith("actions.")}


def test_gate_is_last():
    assert CONFIG["pipeline"][-1]["name"] == GATE


def test_nothing_else_decides_on_doubt():
    names = [component["name"] for component in CONFIG["pipeline"]]

    assert [name for name in names if "Fallback" in name] == [] and names.count(GATE) == 1


def test_policies_are_those_of_the_architecture():
    assert [policy["name"] for policy in CONFIG["policies"]] == ["RulePolicy", "AugmentedMemoizationPolicy"]


def test_open_channel_of_rasa_is_off():
    assert not set(read("credentials.yml")) & {"rest", "rasa", "socketio", "callback"}


def test_domain_is_short_and_holds_no_sentence():
    assert len((ROOT / "domain.yml").read_text(encoding="utf-8").splitlines()) <= DOMAIN_LINES

    assert not {"text", "responses", "custom"} & set(keys({key: value for key, value in DOMAIN.items() if key != "slots"}))


@pytest.mark.parametrize("name", sorted(DOMAIN["slots"]))
def test_slot_does_not_influence_the_dialogue(name):
    slot = DOMAIN["slots"][name]

    assert slot["influence_conversation"] is False
    assert slot["mappings"] == [{"type": "custom"}]


def test_slots_do_not_outlive_the_session():
    assert DOMAIN["session_config"]["carry_over_slots_to_new_session"] is False


def test_no_action_validates_and_no_form_waits():
    assert [name for name in DOMAIN["actions"] if "validate" in name] == []

    assert "forms" not in DOMAIN


def test_actions_are_those_that_are_implemented():
    assert sorted(DOMAIN["actions"]) == sorted(implemented())


def test_intents_of_rules_and_stories_stand_in_the_domain():
    assert steps(PATHS, "intent") - set(DOMAIN["intents"]) == set()


def test_trained_intents_stand_in_the_domain():
    labels = {entry["intent"].partition("/")[0] for path in (ROOT / "data" / "nlu").glob("*.yml") for entry in read(str(path))["nlu"]}

    assert labels - set(DOMAIN["intents"]) == set()


def test_actions_of_rules_and_stories_exist():
    responses = {name for path in (ROOT / "data" / "responses").glob("*.yml") for name in read(str(path))["responses"]}

    assert steps(PATHS, "action") - set(DOMAIN["actions"]) - responses == set()


def test_no_name_is_given_twice():
    names = [path.get("rule") or path["story"] for path in PATHS]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.get("rule") or path["story"]) for path in PATHS])
def test_path_has_no_condition_on_a_slot(path):
    assert not {"condition", "slot_was_set", "active_loop", "checkpoint"} & set(keys(path))


@pytest.mark.parametrize("story", [pytest.param(story, id=story["story"]) for story in STORIES])
def test_story_has_a_twin_with_real_sentences(story):
    twin = next(twin for twin in TWINS if twin["story"] == story["story"])

    assert turns(twin) == turns(story)
    assert all(step["user"].strip() for step in twin["steps"] if "intent" in step)
