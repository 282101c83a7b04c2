"""Takes away work that Rasa 3.6 does anew in every turn although its result never changes. Each patch refuses to load on another Rasa."""

from __future__ import annotations

import functools
from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Text, Tuple, Type

import jsonschema
from rasa.core import processor
from rasa.core.actions.action import RemoteAction
from rasa.core.constants import POLICY_MAX_HISTORY
from rasa.core.policies import memoization, rule_policy
from rasa.core.policies.memoization import AugmentedMemoizationPolicy
from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException

from sijbot import metrics

_SCHEMA = RemoteAction.action_response_format_spec()
_VALIDATOR = jsonschema.validators.validator_for(_SCHEMA)(_SCHEMA)

# Their every use of copy is for a line of the debug log, which is off; the copies are made all the same, of all states, several times a turn.
_COPYING_FOR_LOGS = (processor, memoization, rule_policy)


class CheckedResult(dict):
    """An action result that `is_action_result` has approved."""


def is_action_result(result: Any) -> bool:
    """Return whether this has the shape that Rasa reads: events that name their type, and replies.

    The schema says more, at 1 ms a call; the SDK has checked the rest already while it built the result.
    """
    if not isinstance(result, dict):
        return False
    events, replies = result.get("events"), result.get("responses")
    if not isinstance(events, list) or not isinstance(replies, list):
        return False
    return all(isinstance(event, dict) and isinstance(event.get("event"), str) for event in events) and all(isinstance(reply, dict) for reply in replies)


def _validate(self: RemoteAction, result: Dict[Text, Any]) -> bool:
    """As RemoteAction's own, which re-checks the schema itself on every call: 14–43 ms."""
    if not isinstance(result, CheckedResult):
        _VALIDATOR.validate(result)
    return True


class OrderedGraphRunner(DaskGraphRunner):
    """Runs the nodes one after the other in an order found once; Dask plans every run anew, three of them in a turn."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._ordered = functools.lru_cache(maxsize=None)(self._in_order)

    def _in_order(self, targets: Tuple[Text, ...]) -> List[Tuple[Text, GraphNode, Tuple[Text, ...]]]:
        """Return name, node and needed nodes of everything that the targets need, each behind what it needs."""
        nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
        order = TopologicalSorter({name: set(node.needs.values()) for name, node in nodes.items()}).static_order()
        return [(name, self._instantiated_nodes[name], tuple(nodes[name].needs.values())) for name in order if name in nodes]

    def run(self, inputs: Optional[Dict[Text, Any]] = None, targets: Optional[List[Text]] = None) -> Dict[Text, Any]:
        """Return the output of each target by its name. inputs: outputs that no node makes, by the name by which nodes need them."""
        targets = targets or self._graph_schema.target_names
        results = {name: (name, value) for name, value in (inputs or {}).items()}
        with metrics.stage(metrics.UNDERSTAND):
            for name, node, needs in self._ordered(tuple(targets)):
                results[name] = node(*(results.get(need, need) for need in needs))
        return {name: results[name][1] for name in targets}


def _recall(self: AugmentedMemoizationPolicy, old_states: List[State], *_: Any, **__: Any) -> Optional[Text]:
    """As AugmentedMemoizationPolicy's own, which replays the conversation for every place where a story may have begun.

    The states behind such a place look the same without that: no slot of ours is a feature, and every story begins with a message.
    """
    for first in range(1, len(old_states)):
        memorised = self._recall_states([{}, *old_states[first:]][-self.config[POLICY_MAX_HISTORY] :])
        if memorised is not None:
            return memorised
    return None


_find_action_from_rules = RulePolicy._find_action_from_rules


def _find_action(self: RulePolicy, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool) -> Tuple[Optional[Text], Optional[Text], bool]:
    """As RulePolicy's own, which goes through all rules a second time by the words of the message, also where no rule has any."""
    if use_text_for_last_user_input and not any('"text"' in key for key in self.lookup[RULES]):
        return None, None, False
    return _find_action_from_rules(self, tracker, domain, use_text_for_last_user_input)


def apply() -> None:
    """Replace the costly methods.

    Raises: RasaException where Rasa has changed under them.
    """
    replaced = (
        (RemoteAction, "_validate_action_result"), (Event, "resolve_by_type"), (RulePolicy, "_find_action_from_rules"), (processor, "DaskGraphRunner"),
        (AugmentedMemoizationPolicy, "_recall_using_truncation"),
    )  # fmt: skip
    for owner, name in replaced:
        if not hasattr(owner, name):
            raise RasaException(f"rasa has no {owner.__name__}.{name} any more: remove its replacement from rasa_costs.py")
    RemoteAction._validate_action_result = _validate
    RulePolicy._find_action_from_rules = _find_action
    AugmentedMemoizationPolicy._recall_using_truncation = _recall
    processor.DaskGraphRunner = OrderedGraphRunner
    for module in _COPYING_FOR_LOGS:
        if not hasattr(module, "copy"):
            raise RasaException(f"{module.__name__} copies nothing any more: take it out of rasa_costs.py")
        module.copy = SimpleNamespace(deepcopy=lambda value: value)
    if not hasattr(Event.resolve_by_type, "cache_info"):
        original = Event.resolve_by_type

        # Walks through every subclass of Event for every stored event: half the cost of loading a conversation.
        @functools.lru_cache(maxsize=None)
        def resolve_by_type(type_name: Text, default: Optional[Type[Event]] = None) -> Optional[Type[Event]]:
            return original(type_name, default)

        Event.resolve_by_type = staticmethod(resolve_by_type)
