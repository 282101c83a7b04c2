"""Where a turn can be broken: one table of places in the product's code, found by name, so that the product needs no hooks."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Sequence

BEFORE, AFTER, INSIDE = "before", "after", "inside"  # inside: before the database's COMMIT, while the function is at work
OURS, STOCK = "sijbot", "rasa"  # the programs that can be broken

Act = Callable[[str], Optional["Instead"]]


@dataclass(frozen=True)
class Instead:
    """What a broken function returns in place of its own result."""

    value: Any


@dataclass(frozen=True)
class Point:
    """A place in a turn. ours, stock: `module:attribute` of our program and of Rasa's own; the first that exists is used, none: the program has no such place."""

    where: str
    ours: tuple[str, ...]
    stock: tuple[str, ...] = ()

    def names(self, program: str) -> tuple[str, ...]:
        """Return the names to look for in a program."""
        return self.ours if program == OURS else self.stock


_RECEIVE, _SAVE, _RETRIEVE = "sijbot.records.turns:receive", "sijbot.records.turns:commit", "sijbot.adapters.event_store:EventStore.retrieve"
_STOCK_SAVE, _STOCK_RETRIEVE = "rasa.core.tracker_store:SQLTrackerStore.save", "rasa.core.tracker_store:SQLTrackerStore.retrieve"
_ACTION, _STOCK_ACTION = "sijbot.adapters.local_actions:LocalActions.request", "rasa.utils.endpoints:EndpointConfig.request"
_GATE, _CLASSIFIER, _EXECUTOR = "sijbot.adapters.red_flag_gate:RedFlagGate.process", "sijbot.adapters.topic_classifier:TopicClassifier.process", "rasa_sdk.executor:ActionExecutor.run"

# In the order of a turn.
OF_A_TURN: Mapping[str, Point] = {
    "before_inbox": Point(BEFORE, ("sijbot.adapters.inbox:Inbox.turn",), ("rasa.core.agent:Agent.handle_message",)),
    "before_receive": Point(BEFORE, (_RECEIVE,)),
    "after_receive": Point(AFTER, (_RECEIVE,)),
    "after_screen": Point(AFTER, ("sijbot.adapters.assistant:Assistant._screened",)),
    "before_retrieve": Point(BEFORE, (_RETRIEVE,), (_STOCK_RETRIEVE,)),
    "after_retrieve": Point(AFTER, (_RETRIEVE,), (_STOCK_RETRIEVE,)),
    "after_gate": Point(AFTER, (_GATE,), (_GATE,)),
    "before_action": Point(BEFORE, (_ACTION,), (_STOCK_ACTION,)),
    "after_action": Point(AFTER, (_ACTION,), (_STOCK_ACTION,)),
    "before_commit": Point(BEFORE, (_SAVE,), (_STOCK_SAVE,)),
    "in_commit": Point(INSIDE, (_SAVE,), (_STOCK_SAVE,)),
    "after_commit": Point(AFTER, (_SAVE,), (_STOCK_SAVE,)),
}
OF_THE_RELAY: Mapping[str, Point] = {
    "before_delivery": Point(BEFORE, ("sijbot.adapters.relay:Relay.deliver",)),
    "after_delivery": Point(AFTER, ("sijbot.adapters.relay:Relay.deliver",)),
}
OF_PARTS: Mapping[str, Point] = {
    "action_begins": Point(BEFORE, (_EXECUTOR,), (_EXECUTOR,)),
    "action_ends": Point(AFTER, (_EXECUTOR,), (_EXECUTOR,)),
    "model": Point(BEFORE, (_CLASSIFIER,), (_CLASSIFIER,)),
}
POINTS: Mapping[str, Point] = {**OF_A_TURN, **OF_THE_RELAY, **OF_PARTS}


class NoSuchPoint(Exception):
    """A point that names nothing in the program; the message says which names were looked for."""


def install(program: str, act: Act, names: Sequence[str] = tuple(POINTS)) -> dict[str, str]:
    """Make every point call `act` with its name when it is reached, and return those that the program does not have, with the reason."""
    missing = {}
    for name in names:
        try:
            _install(name, POINTS[name], program, act)
        except NoSuchPoint as fault:
            missing[name] = str(fault)
    return missing


def _install(name: str, point: Point, program: str, act: Act) -> None:
    owner, attribute = found(name, point, program)
    original = inspect.getattr_static(owner, attribute)
    function = original.__func__ if isinstance(original, (staticmethod, classmethod)) else original
    broken = _broken(function, lambda: act(name), point.where)
    setattr(owner, attribute, type(original)(broken) if isinstance(original, (staticmethod, classmethod)) else broken)
    if inspect.ismodule(owner):
        rebind(function, broken)


def found(name: str, point: Point, program: str) -> tuple[Any, str]:
    """Return what holds the function of a point, and its name there.

    Raises: NoSuchPoint.
    """
    names = point.names(program)
    for each in names:
        module, _, path = each.partition(":")
        *owners, attribute = path.split(".")
        try:
            owner = functools.reduce(getattr, owners, importlib.import_module(module))
            inspect.getattr_static(owner, attribute)
        except (ModuleNotFoundError, AttributeError):
            continue
        return owner, attribute
    raise NoSuchPoint(f"point '{name}': {program} has " + (f"none of {', '.join(names)}" if names else "no such place"))


def rebind(function: Any, to: Any) -> None:
    """Put a function in the place of another one in every module that has taken it by its name."""
    for name, module in list(sys.modules.items()):
        if inspect.ismodule(module) and not name.startswith(("evaluation.faults", "__main__")):
            for key in [key for key, value in vars(module).items() if value is function]:
                setattr(module, key, to)


def _broken(function: Callable, act: Callable[[], Optional[Instead]], where: str) -> Callable:
    """Return the function with a break in it."""
    inside = _Inside(act) if where == INSIDE else None

    def result_after(result: Any) -> Any:
        instead = act() if where == AFTER else None
        return instead.value if instead else result

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*arguments: Any, **named: Any) -> Any:
            instead = act() if where == BEFORE else None
            if instead:
                return instead.value
            with inside or nullcontext():
                return result_after(await function(*arguments, **named))

        return later

    @functools.wraps(function)
    def at_once(*arguments: Any, **named: Any) -> Any:
        instead = act() if where == BEFORE else None
        if instead:
            return instead.value
        with inside or nullcontext():
            return result_after(function(*arguments, **named))

    return at_once


class _Inside:
    """Acts before every COMMIT that comes while a function is at work, in whatever thread."""

    def __init__(self, act: Callable[[], Optional[Instead]]) -> None:
        self._at_work = 0
        events, engine = importlib.import_module("sqlalchemy.event"), importlib.import_module("sqlalchemy.engine")
        events.listen(engine.Engine, "commit", lambda connection: self._at_work and act())

    def __enter__(self) -> None:
        self._at_work += 1

    def __exit__(self, *_: object) -> None:
        self._at_work -= 1
