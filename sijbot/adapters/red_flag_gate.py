"""Rasa NLU component, last in the pipeline: the danger screen once more, now with what earlier turns left open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from sijbot import clock, runtime
from sijbot.adapters.topic_classifier import UNDERSTOOD, set_intent
from sijbot.content.model import Content
from sijbot.facts import PREGNANT, WEEK
from sijbot.coaching.diary import PAIN, is_correction
from sijbot.coaching.reading import Answer, pain_of, yes_no
from sijbot.coaching.say import event_of_payload, tie_of
from sijbot.coaching.session import DANGER_STAGES, SCREEN
from sijbot.language.focus import asks
from sijbot.routing import ACTION_SEEN, COACH, CONSENT, DIARY, DID_YOU_MEAN, NO, RED_FLAG, TELL, TELL_ANSWER, UNSURE, YES, Expecting, route
from sijbot.telling import CONTACT, answer_to
from sijbot.triage import Assessment, Known, replaces_answer
from sijbot.triage.assess import ALARM, ASK, INFORM, Finding, raised
from sijbot.triage.assessment import SEEN, assessment_of
from sijbot.triage.lock import Lock, after, standing
from sijbot.triage.weigh import MANY_CHARACTERS, is_short

ASSESSMENT, SITUATIONS, NAMED_NOW, DETAILS, STANDING, HISTORY = "assessment", "situations", "named_now", "details", "standing", "history"  # message properties
IS_READ = "is_read"  # of a message's metadata: False where the channel could not wait for the meaning

EMERGENCY, URGENT, SOON = "red_flag_emergency", "red_flag_urgent", "red_flag_soon"
QUESTION, ANSWERED_NO = "red_flag_question", "red_flag_answered_no"
CORRECTED, STILL_STANDING = "red_flag_corrected", "red_flag_standing"
COACH_ANSWER, CONSENT_ANSWER, DIARY_ANSWER = "coach_answer", "consent_answer", "diary_answer"
OWN_DATA = frozenset(("what_is_kept", "forget_me", "send_my_data", "keep_my_data", "stop_keeping"))  # what may be asked in the middle of a session
FORGET_BUTTON = "forget"
ANSWERED = "answered"  # outcome of a message that answers a question of ours
SEEN_INTENT = "seen_by_clinician"
# What is said about a hand-off rather than instead of following it; everything else waits while an emergency stands.
_ABOUT_THE_HAND_OFF = frozenset((SEEN_INTENT, "push_back", "ask_why", "inform", "affirm", "deny", "exercise_hurts", "start_again"))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RedFlagGate(GraphComponent):
    """May only raise what the channel found. Last: any classifier behind it would overrule it."""

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RedFlagGate:
        return cls()

    def process(self, messages: List[Message], tracker: Optional[DialogueStateTracker] = None) -> List[Message]:
        """Return the messages with the assessment, and with a red-flag intent where it asks for one."""
        known, lock = _history(tracker) if tracker else (Known(), None)
        said_before = tracker.latest_message.parse_data if tracker and tracker.latest_message else {}
        for message in messages:
            self._judge(message, known, lock, said_before)
        return messages

    def _judge(self, message: Message, known: Known, lock: Optional[Lock], said_before: Mapping[Text, Any]) -> None:
        parts, told = runtime.current(), message.get("metadata") or {}
        button = told.get("button") or ""
        text = "" if button else message.get(TEXT) or ""  # the title of a button is a sentence of ours
        assessment = self._assessed(parts.screen if told.get(IS_READ) is False else parts.screen.verdict, text, told.get("assessment"), known)
        asked_by_coach = danger_asked(parts.content, known.expecting, parts.answer(text, intent=(message.get(UNDERSTOOD) or {}).get("intent")), button)
        if asked_by_coach:
            assessment = raised(assessment, said_yes(parts.content, asked_by_coach, len(text)))
            message.set(UNDERSTOOD, {**message.get(UNDERSTOOD), "outcome": ANSWERED}, add_to_output=True)  # nothing else was asked
        message.set(ASSESSMENT, assessment.to_dict(), add_to_output=True)
        situations, details_before = parts.situations(text), said_before.get(DETAILS) or {}
        known_situations = situations.known_after(said_before.get(SITUATIONS) or ())
        details = parts.details(text, details_before, PREGNANT in known_situations)
        if details.get(WEEK) != details_before.get(WEEK):
            known_situations = tuple(sorted({*known_situations, PREGNANT}))
        message.set(SITUATIONS, list(known_situations), add_to_output=True)
        message.set(NAMED_NOW, list(situations.named), add_to_output=True)
        message.set(DETAILS, details, add_to_output=True)
        message.set(STANDING, lock.to_dict() if lock else None, add_to_output=True)
        message.set(HISTORY, _left_behind(known, lock, assessment, text), add_to_output=True)
        understood = CONSENT_ANSWER if button.partition(":")[0] in (CONSENT, FORGET_BUTTON) else (message.get("intent") or {}).get("name")
        is_answerable_story = not is_short(text) and (message.get(UNDERSTOOD) or {}).get("outcome") == "answer"
        is_asked = known.expecting is not None and known.expecting.owner == RED_FLAG
        intent = red_flag_intent(parts.content, assessment, lock, understood, is_answerable_story, is_asked)
        intent = intent or waiting_intent(known.expecting, message.get(UNDERSTOOD) or {}, parts.answer(text), button, list(known_situations) != list(said_before.get(SITUATIONS) or ()))
        if intent:
            set_intent(message, intent, 1.0)
            return
        routed = route(parts.screen.short_answer(text), known.expecting)
        if routed == (DID_YOU_MEAN, YES):
            self._take(message, parts.content, known.expecting.question)

    @staticmethod
    def _assessed(find: Callable[[Text, Known], Assessment], text: Text, from_channel: Optional[Dict[Text, Any]], known: Known) -> Assessment:
        """Return what the screen finds now, raised by what the channel found in the whole message.

        find: all of the screen; or its words alone where the channel could not wait for the meaning: this must not hold up everybody else's turn for it.
        """
        if from_channel and len(text) >= MANY_CHARACTERS:  # the channel read all of it, and only the beginning has come this far
            return Assessment.from_dict(from_channel)
        assessment = find(text, known)
        return raised(assessment, Assessment.from_dict(from_channel)) if from_channel else assessment

    @staticmethod
    def _take(message: Message, content: Content, content_id: Text) -> None:
        """Answer the first of the topics that were offered, to somebody who said yes to them."""
        intent = content.subject_of[content_id]
        message.set(UNDERSTOOD, {**message.get(UNDERSTOOD), "outcome": "answer", "intent": intent, "id": content_id}, add_to_output=True)
        set_intent(message, intent, 1.0, content_id)


def danger_asked(content: Content, expecting: Optional[Expecting], answer: Answer, button: Text) -> Optional[Text]:
    """Return which question of the coach about danger signs a message answers with yes, or with doubt, which counts as yes; None where it does not."""
    stage, _, question = (expecting.question if expecting and expecting.owner == COACH else "").partition(":")
    tied_to = tie_of(button)[1]
    if tied_to:  # a button says yes to its own question, whenever it is pressed
        stage, question = SCREEN, tied_to
    if stage not in DANGER_STAGES or question not in content.programme.screen or not content.programme.screen[question].raises:
        return None
    is_question = asks(answer.text) and not answer.is_short  # "could this be …?" says yes to nothing
    said = event_of_payload(button).kind if button.startswith(f"{COACH}:") else None if button or is_question else yes_no(answer, is_about_danger=True)
    return question if said in (YES, UNSURE) else None


def said_yes(content: Content, question: Text, length: int) -> Assessment:
    """Return the alarm of a yes to a question of the coach's screen."""
    return assessment_of((Finding(question, ALARM, content.sign(question).level, 0, length),), (), None, ())


def waiting_intent(expecting: Optional[Expecting], understood: Mapping[Text, Any], answer: Answer, button: Text, tells_news: bool = False) -> Optional[Text]:
    """Return the intent of a message that goes to whoever waits for an answer: consent, the coach, the diary, a hand-off; None where nobody does.

    tells_news: it says something of the person that was not known.
    """
    kind, _, _ = button.partition(":")
    if kind in (CONSENT, FORGET_BUTTON):
        return CONSENT_ANSWER
    if kind == COACH:
        return COACH_ANSWER
    if kind == TELL:
        return TELL_ANSWER
    if expecting is not None and expecting.owner == TELL and not button and (expecting.question == CONTACT or answer_to(expecting.question, answer.text, answer, understood)):
        return TELL_ANSWER
    if (expecting is None or expecting.owner in (DID_YOU_MEAN, TELL)) and answer.is_all("begin"):
        return COACH_ANSWER  # begins where none runs
    if expecting is None:
        return None
    if expecting.owner in (CONSENT, DIARY) and not button and answer.numbers and pain_of(answer) is not None and (expecting.owner == DIARY or answer.bare is None):
        is_awaited = expecting.question == PAIN or is_correction(answer)
        if is_awaited and understood.get("intent") != "ask_progress":
            return DIARY_ANSWER
    if expecting.owner == CONSENT and not button:
        begins_so = any(start == 0 for group in ("plain_yes", "no", "later") for start, _ in answer.groups.get(group, ()))
        is_plain = understood.get("intent") in ("affirm", "deny", "inform") or understood.get("outcome") != "answer"
        is_about_it = answer.says("consent") and understood.get("intent") not in OWN_DATA
        if begins_so or is_about_it or (yes_no(answer) is not None and not tells_news and (is_plain or answer.is_short)):
            return CONSENT_ANSWER
    return COACH_ANSWER if expecting.owner == COACH and not answer.is_all("start_over") else None


def _left_behind(known: Known, lock: Optional[Lock], assessment: Assessment, text: Text) -> Dict[Text, Any]:
    """Return what a message leaves for the next one, so that no turn has to read all earlier ones again."""
    lock_after = after(lock, assessment, clock.now())
    return {"known": known.after(assessment, text).to_dict(), "lock": lock_after.to_dict() if lock_after else None, "is_asking": assessment.outcome == ASK}


def _history(tracker: DialogueStateTracker) -> tuple[Known, Optional[Lock]]:
    """Return what the latest message left (facts, raised flags, denied questions) and the level that stands."""
    known, lock, was_seen, is_asking, was_just_asked = Known(), None, False, False, False
    for event in reversed(tracker.events):
        was_just_asked = was_just_asked or (isinstance(event, SlotSet) and event.key == "expecting")
        if isinstance(event, ActionExecuted) and event.action_name == ACTION_SEEN:
            was_seen = True
        elif isinstance(event, UserUttered) and HISTORY in event.parse_data:
            left = event.parse_data[HISTORY]
            known, lock, is_asking = Known.from_dict(left["known"]), Lock.from_dict(left["lock"]), left["is_asking"]
            break
    if was_seen and lock and lock.level != "emergency":
        lock = None
    expecting = Expecting.from_slot(tracker.get_slot("expecting"))
    if expecting is not None and expecting.owner == TELL and not was_just_asked:
        expecting = None  # asked of the next message alone: a number that comes later may be anything
    if expecting is None and is_asking:
        expecting = known.expecting  # the slots went with a session that ended, the question stands
    return replace(known, expecting=expecting), standing(lock, clock.now())


def red_flag_intent(
    content: Content, assessment: Assessment, lock: Optional[Lock], understood: Optional[Text], is_answerable_story: bool = False, is_asked: bool = False
) -> Optional[Text]:
    """Return the intent that the assessment, or a level that stands, puts in place of the understood one; None for neither (decision 9).

    A story that only touches on a sign gets the answer to its question, and a line about the sign behind it. is_asked: a question of the screen is open.
    """
    if replaces_answer(content, assessment):
        return EMERGENCY
    if assessment.outcome == ALARM:
        return URGENT if assessment.level == "urgent" else SOON
    if assessment.corrected:
        return CORRECTED
    if assessment.answered and assessment.answered[1] == NO:
        return ANSWERED_NO
    if (lock or is_asked) and SEEN in assessment.facts and assessment.outcome != ASK:
        return SEEN_INTENT
    if lock and lock.level == "emergency" and understood not in _ABOUT_THE_HAND_OFF | OWN_DATA | {CONSENT_ANSWER}:  # what is theirs they may have or have deleted at any time
        return STILL_STANDING
    if assessment.outcome == INFORM and assessment.findings[0].level != "soon" and not is_answerable_story:
        return QUESTION
    return None
