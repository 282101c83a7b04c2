"""Dialogues without a network: one assistant in this process, and the runner of conversation cases."""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import re
import tempfile
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Optional

import rasa.core.processor
import rasa.shared.core.events
import yaml

from sijbot import clock
from sijbot import runtime as process_runtime
from sijbot.adapters.agent import CandidAgent, load_agent
from sijbot.adapters.assistant import Assistant, Conversation, Turn
from sijbot.adapters.red_flag_gate import ASSESSMENT
from sijbot.adapters.topic_classifier import UNDERSTOOD
from sijbot.adapters.web_channel import typed_text
from sijbot.records import outbox
from sijbot.records.outbox import DELIVERED, FAILED
from sijbot.records.repository import forget
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.records.schema import make_engine
from sijbot.replies import Reply
from sijbot.runtime import Runtime
from sijbot.settings import Settings
from sijbot.triage import Assessment, replaces_answer

SMALL_TALK = frozenset(("greet", "thank", "goodbye", "bot_challenge", "help", "start_again"))


class LocalAssistant:
    """The assistant as the web channel has it, without the web."""

    def __init__(self, runtime: Runtime, agent: CandidAgent) -> None:
        self.runtime, self.agent = runtime, agent
        self.assistant = Assistant(runtime, self._handle)

    @classmethod
    def load(cls, settings: Settings, keep: bool = True) -> "LocalAssistant":
        """Return an assistant on the trained model. keep: False keeps records and conversations in memory."""
        runtime = process_runtime.build(settings if keep else dataclasses.replace(settings, database_url="sqlite://"))
        process_runtime.use(runtime)
        return cls(runtime, load_agent(runtime))

    async def _handle(self, message: Any) -> None:
        await self.agent.handle_message(message)

    async def say(self, conversation: Conversation, text: str, button: Optional[str] = None) -> Turn:
        """Return the turn for a typed text or a pressed button."""
        return await self.assistant.take_turn(conversation, typed_text(text), button)

    async def last_message(self, conversation: Conversation) -> Optional[dict]:
        """Return what NLU and gate made of the latest message, and the slots; None where nothing was stored."""
        tracker = await self.agent.tracker_store.retrieve(conversation.id)
        if tracker is None or tracker.latest_message is None:
            return None
        return {**tracker.latest_message.parse_data, "slots": tracker.current_slot_values()}

    async def summary(self, conversation: Conversation, turn: Turn) -> dict:
        """Return the turn in the form of `sijbot ask`."""
        message = await self.last_message(conversation)
        replies = [reply.plain for reply in turn.replies]
        if message is None or turn.failed:
            return {"outcome": "other", "level": turn.assessment.level, "answers": [], "replies": replies}
        assessment, understood = Assessment.from_dict(message[ASSESSMENT]), message[UNDERSTOOD]
        return {
            "outcome": _outcome(self.runtime, assessment, understood), "level": assessment.level, "answers": understood["ranking"],
            "replies": replies,
        }  # fmt: skip

    async def forget(self, conversation: Conversation) -> None:
        """Take a conversation that was kept in memory away again."""
        with self.runtime.engine.begin() as connection:
            forget(connection, conversation.id)


async def understand(settings: Settings, texts: Iterable[str]) -> list[dict]:
    """Return what was understood of each text, said as the first of a conversation, and the `verdict` of the danger screen; the outcome is `screened` where that answers instead."""
    local, messages = LocalAssistant.load(settings, keep=False), []
    for text in texts:
        conversation = Conversation.new()
        await local.say(conversation, text)
        message = await local.last_message(conversation)
        assessment = Assessment.from_dict(message[ASSESSMENT])
        messages.append({**message[UNDERSTOOD], "outcome": _outcome(local.runtime, assessment, message[UNDERSTOOD]), "verdict": assessment.outcome})
        await local.forget(conversation)
    return messages


def _outcome(runtime: Runtime, assessment: Assessment, understood: Mapping) -> str:
    if replaces_answer(runtime.content, assessment):
        return "screened"
    if understood["outcome"] != "answer":
        return understood["outcome"]
    if understood["id"]:
        return "answer"
    return "smalltalk" if understood["intent"] in SMALL_TALK else "other"


class DialogueError(Exception):
    """A file of conversation cases that cannot be used; names file, case and step."""


_CASE_KEYS = frozenset(("test_case", "region", "channel", "settings", "steps"))
_SETTINGS = ("hand_off_webhook", "hand_off_email")  # of the process while a case runs
_ACTIONS = ("user", "press", "wait", "restart_process", "fail", "outbox")
_ASSERTIONS = frozenset((
    "utter", "bot", "slot_was_set", "contains", "not_contains", "first_message_contains", "buttons", "outcome", "level", "flags", "flags_include",
    "answer", "answers", "intent", "count", "nothing_else", "waits_for", "offers", "erased",
))  # fmt: skip
TURNS_AGO = "turns_ago"  # beside "press": of how many turns ago the button is, 0 where it is not said
_OUTBOX = {DELIVERED: outbox.settle_delivered, FAILED: partial(outbox.settle_failed, fault="broken on purpose")}  # what becomes of all that waits to be sent
_FAULTS = ("actions", "database", "model", "none")
MORNING = 9  # of the day on which a case begins, in UTC
MOST_SENT = 100
_WAIT = re.compile(r"(\d+)(h|m|d)$")
_UNITS = {"h": "hours", "m": "minutes", "d": "days"}


@dataclass(frozen=True)
class Case:
    """One dialogue: what the person does, and what must come of it."""

    name: str
    file: Path
    region: str
    steps: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, str] = field(default_factory=dict)


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file.

    Raises: DialogueError for unreadable YAML, unknown keys, and turns of the person without an assertion.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DialogueError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(data, dict) or set(data) != {"test_cases"}:
        raise DialogueError(f"{path}: must hold 'test_cases' and nothing else")
    return [_case(path, raw) for raw in data["test_cases"]]


def _case(path: Path, raw: Mapping[str, Any]) -> Case:
    name = str(raw.get("test_case"))
    place = f"{path}: {name}"
    unknown = set(raw) - _CASE_KEYS
    if unknown or "test_case" not in raw or not raw.get("steps"):
        raise DialogueError(f"{place}: " + (f"unknown key '{min(unknown)}'" if unknown else "needs 'test_case' and 'steps'"))
    if raw.get("channel", "web") != "web":
        raise DialogueError(f"{place}: channel '{raw['channel']}' is not known; there is only 'web'")
    for number, step in enumerate(raw["steps"], 1):
        _check_step(f"{place}: step {number}", step)
    settings = raw.get("settings", {})
    if not isinstance(settings, dict) or not set(settings) <= set(_SETTINGS):
        raise DialogueError(f"{place}: settings: may hold {', '.join(_SETTINGS)}, and nothing else")
    return Case(name, path, str(raw.get("region", "unknown")), tuple(raw["steps"]), settings)


def _check_step(place: str, step: Mapping[str, Any]) -> None:
    actions = [key for key in _ACTIONS if key in step]
    if len(actions) != 1:
        raise DialogueError(f"{place}: needs exactly one of {', '.join(_ACTIONS)}")
    unknown = set(step) - _ASSERTIONS - set(actions) - ({TURNS_AGO} if "press" in step else set())
    if unknown:
        raise DialogueError(f"{place}: unknown key '{min(unknown)}'")
    asserted = _ASSERTIONS.intersection(step)
    if actions[0] in ("user", "press") and not asserted:
        raise DialogueError(f"{place}: a turn of the person needs at least one assertion")
    if actions[0] not in ("user", "press") and asserted:
        raise DialogueError(f"{place}: '{min(asserted)}' can only be asserted of a turn")
    if actions[0] == "fail" and step["fail"] not in _FAULTS:
        raise DialogueError(f"{place}: fail: '{step['fail']}' is none of {', '.join(_FAULTS)}")
    if actions[0] == "outbox" and step["outbox"] not in _OUTBOX:
        raise DialogueError(f"{place}: outbox: '{step['outbox']}' is none of {', '.join(_OUTBOX)}")
    if actions[0] == "wait" and not _WAIT.match(str(step["wait"])):
        raise DialogueError(f"{place}: wait: '{step['wait']}' is not like 26h, 10m or 2d")


class Runner:
    """Runs cases on the trained model, each in a conversation of its own. Use as a context manager.

    database_url: an empty database, one of its own in a file where none is given. processes: how many assistants stand beside each other on it, as replicas do: they take the messages in turns.
    """

    def __init__(self, settings: Settings, database_url: Optional[str] = None, processes: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sijbot-converse-")
        self._settings = self._case_settings = dataclasses.replace(settings, database_url=database_url or f"sqlite:///{self._folder.name}/dialogues.db")
        self._loop = asyncio.new_event_loop()
        self._processes, self._at_work = processes, 0
        self._locals: list[LocalAssistant] = []
        self._whole: list[tuple[Any, CandidAgent]] = []  # engine and agent of each
        self._times: list[tuple[Any, Any]] = []

    def __enter__(self) -> "Runner":
        for module in (rasa.shared.core.events, rasa.core.processor):  # where Rasa asks for the time of day
            self._times.append((module, module.time))
            module.time = types.SimpleNamespace(time=clock.timestamp)
        self._start()
        return self

    def __exit__(self, *_: Any) -> None:
        for module, time in self._times:
            module.time = time
        self._stop()
        self._loop.close()
        process_runtime.use(None)
        self._folder.cleanup()

    def _start(self) -> None:
        for _ in range(self._processes):
            runtime = process_runtime.build(self._case_settings)
            self._locals.append(LocalAssistant(runtime, load_agent(runtime)))
        self._whole = [(local.runtime.engine, local.agent) for local in self._locals]
        process_runtime.use(self.local.runtime)

    def _stop(self) -> None:
        for engine, _ in self._whole:
            engine.dispose()
        self._locals.clear()

    def run(self, case: Case) -> str:
        """Return an empty text where the dialogue goes as the case says, else the dialogue with what differs."""
        clock.reset()
        clock.advance(_until_morning(clock.now()))  # what is some hours later is the same day, whenever the case is run
        dialogue = _Dialogue(self, Conversation.new(case.region))
        self._set(case.settings)
        try:
            for step in case.steps:
                self._loop.run_until_complete(dialogue.take(step))
        finally:
            clock.reset()
            self.fail("none")
            self._set({})
        return "\n".join(dialogue.transcript) if dialogue.failed else ""

    def restart(self) -> None:
        """Build everything anew from disk, as new processes would."""
        self._stop()
        self._start()

    def _set(self, settings: Mapping[str, str]) -> None:
        self._case_settings = dataclasses.replace(self._settings, **settings)
        for local in self._locals:
            local.runtime.settings = self._case_settings

    def settle(self, what: str) -> None:
        """Let what waits to be sent be delivered, or be given up, as a relay would."""
        now, sink = clock.now(), self._case_settings.hand_off_sink
        with self._whole[0][0].begin() as connection:
            for row in outbox.claim(connection, sink, now, MOST_SENT, timedelta(minutes=1)):
                _OUTBOX[what](connection, row, now)

    @property
    def local(self) -> LocalAssistant:
        """The one that took the latest message."""
        return self._locals[self._at_work]

    def next(self) -> LocalAssistant:
        """Return the one that takes the next message."""
        self._at_work = (self._at_work + 1) % self._processes
        process_runtime.use(self.local.runtime)
        return self.local

    def fail(self, what: str) -> None:
        """Break one part of each until told otherwise: actions raise, the database cannot be reached, the model is gone."""
        for local, (engine, agent) in zip(self._locals, self._whole):
            agent.action_endpoint.__dict__.pop("_run", None)
            local.agent, local.runtime.engine = agent, engine
            if what == "actions":
                agent.action_endpoint._run = _raise
            elif what == "database":
                local.runtime.engine = make_engine(f"sqlite:///{self._folder.name}/no/such/folder/dialogues.db")
            elif what == "model":
                local.agent = None


def _raise(*_: Any) -> None:
    raise RuntimeError("broken on purpose")


def _until_morning(now: datetime) -> timedelta:
    """Return how long it is from a moment to the next time that it is MORNING."""
    return (now.replace(hour=MORNING, minute=0, second=0, microsecond=0) - now) % timedelta(days=1)


class _Dialogue:
    """One case while it runs."""

    def __init__(self, runner: Runner, conversation: Conversation) -> None:
        self._runner, self._conversation = runner, conversation
        self._replies: Sequence[Reply] = ()
        self._shown: list[Sequence[Reply]] = []
        self.transcript: list[str] = []
        self.failed = False

    async def take(self, step: Mapping[str, Any]) -> None:
        if "wait" in step:
            amount, unit = _WAIT.match(str(step["wait"])).groups()
            clock.advance(timedelta(**{_UNITS[unit]: int(amount)}))
            self.transcript.append(f"  … {step['wait']} later")
        elif "restart_process" in step:
            self._runner.restart()
            self.transcript.append("  … the process is restarted")
        elif "outbox" in step:
            self._runner.settle(step["outbox"])
            self.transcript.append(f"  … {step['outbox']} by the outbox")
        elif "fail" in step:
            self._runner.fail(step["fail"])
            self.transcript.append(f"  … failing: {step['fail']}")
        else:
            await self._turn(step)

    async def _turn(self, step: Mapping[str, Any]) -> None:
        local = self._runner.next()
        text, button = step.get("user"), None
        if "press" in step:
            offered = {button.title: button for reply in self._shown[-1 - step.get(TURNS_AGO, 0)] for button in reply.buttons}
            if step["press"] not in offered:
                self._note(f"user presses: {step['press']}", [f"no such button; offered: {sorted(offered)}"])
                return
            text, button = step["press"], offered[step["press"]].payload
        turn = await local.say(self._conversation, text, button)
        self._replies, self._conversation = turn.replies, turn.conversation
        self._shown.append(self._replies)
        try:
            message = await local.last_message(self._conversation) or {}
        except (AttributeError, *DATABASE_FAULTS):  # the part that holds it is broken on purpose
            message = {}
        utterances = local.agent.domain.responses if local.agent else {}
        self._note(f"user: {text[:200]}", list(differences(step, turn, message, utterances)))

    def _note(self, said: str, faults: list[str]) -> None:
        self.transcript.append(said)
        for reply in self._replies:
            self.transcript.extend(f"  bot: {line}" for line in reply.plain.splitlines() if line.strip())
            if reply.buttons:
                self.transcript.append(f"       {[button.title for button in reply.buttons]}")
        self.transcript.extend(f"  ✗ {fault}" for fault in faults)
        self.failed = self.failed or bool(faults)


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def differences(step: Mapping[str, Any], turn: Turn, message: Mapping[str, Any], utterances: Mapping[str, list]) -> list[str]:
    """Return what of a step's assertions does not hold, a line each."""
    texts = [reply.plain for reply in turn.replies]
    sources = [source.title for reply in turn.replies for source in reply.sources]
    whole = _plain("\n".join([*(reply.title or "" for reply in turn.replies), *texts, *sources]))
    assessment = Assessment.from_dict(message[ASSESSMENT]) if ASSESSMENT in message else turn.assessment
    understood = message.get(UNDERSTOOD) or {}
    buttons = [button.title for reply in turn.replies for button in reply.buttons]
    faults: list[str] = []

    def expect(key: str, got: Any) -> None:
        if key in step and step[key] != got:
            faults.append(f"{key}: expected {step[key]!r}, got {got!r}")

    expect("outcome", assessment.outcome)
    expect("level", assessment.level)
    expect("flags", list(assessment.flags))
    expect("intent", (message.get("intent") or {}).get("name"))
    answered = understood.get("id") if understood.get("outcome") == "answer" else None
    if "answer" in step and answered not in _listed(step["answer"]):
        faults.append(f"answer: expected {step['answer']!r}, got {answered!r}; {understood.get('outcome')}, {understood.get('intent')}")
    expect("answers", [answered, *understood.get("also", ())] if answered else [])
    faults.extend(f"contains: '{part}' is missing" for part in _listed(step.get("contains", [])) if _plain(str(part)) not in whole)
    faults.extend(f"not_contains: '{part}' is there" for part in _listed(step.get("not_contains", [])) if _plain(str(part)) in whole)
    first = _plain(texts[0]) if texts else ""
    faults.extend(f"first_message_contains: '{part}' is missing" for part in _listed(step.get("first_message_contains", [])) if _plain(str(part)) not in first)
    faults.extend(f"flags_include: '{flag}' was not found" for flag in _listed(step.get("flags_include", [])) if flag not in assessment.flags)
    faults.extend(f"buttons: '{title}' is missing" for title in _listed(step.get("buttons", [])) if title not in buttons)
    for part, times in step.get("count", {}).items():
        got = whole.count(_plain(str(part)))
        if got != times:
            faults.append(f"count: '{part}' stands {got} times, not {times}")
    for slot, value in step.get("slot_was_set", {}).items():
        got = (message.get("slots") or {}).get(slot)
        if got != value:
            faults.append(f"slot_was_set: {slot} is {got!r}, not {value!r}")
    slots = message.get("slots") or {}
    expect("waits_for", ((slots.get("expecting") or {}).get("question") or "").partition(":")[0] or None)
    expect("offers", [document.name for reply in turn.replies for document in reply.documents])
    expect("erased", any(reply.erases for reply in turn.replies))
    expected = [str(text) for text in _listed(step.get("bot", []))]
    for name in _listed(step.get("utter", [])):
        variants = [variant["text"] for variant in utterances.get(name, [])]
        said = [text for text in texts if text in variants]
        if not said:
            faults.append(f"utter: {name} was not said")
        expected.extend(said)
    for text in _listed(step.get("bot", [])):
        if _plain(str(text)) not in map(_plain, texts):
            closest = difflib.get_close_matches(str(text), texts, 1, 0)
            faults.append(f"bot: not said: {text!r}; closest: {closest}")
    if step.get("nothing_else") and sorted(map(_plain, texts)) != sorted(map(_plain, expected)):
        faults.append(f"nothing_else: there are {len(texts)} replies, {len(expected)} were expected")
    return faults
