"""The gate may only raise what the channel found. Built without training, with bare messages."""

from __future__ import annotations

import json

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.message import Message

from sijbot import runtime
from sijbot.adapters.red_flag_gate import RedFlagGate
from sijbot.content.model import LEVELS
from sijbot.routing import DID_YOU_MEAN, RED_FLAG, Expecting
from sijbot.settings import ROOT, Settings
from sijbot.triage import Assessment, Known, Screen, replaces_answer
from sijbot.triage.assess import ALARM, ASK, INFORM, Finding

HARMLESS = "where is the joint"
BLADDER = "I've lost control of my bladder"
UNDERSTOOD = {"outcome": "answer", "intent": "joint", "id": "anatomy", "also": [], "ranking": [{"id": "anatomy", "confidence": 0.9}]}
INTENT = {"name": "joint", "confidence": 0.9}


@pytest.fixture(scope="module", autouse=True)
def parts():
    built = runtime.build(Settings(database_url="sqlite://"))
    runtime.use(built)
    yield built
    runtime.use(None)


def waiting_for(expecting):
    slots = Domain.load(str(ROOT / "domain.yml")).slots
    return DialogueStateTracker.from_events("somebody", [SlotSet("expecting", expecting.to_slot())] if expecting else [], slots)


def judged(text, assessment=None, expecting=None, **properties):
    data = {"text": text, "understood": dict(UNDERSTOOD), "intent": dict(INTENT), **properties}
    message = Message({**data, "metadata": {"assessment": assessment.to_dict()}} if assessment else data)
    (result,) = RedFlagGate().process([message], waiting_for(expecting))
    return result, Assessment.from_dict(result.get("assessment"))


def found(flag, outcome, level):
    return Assessment(outcome, (Finding(flag, outcome, level, 0, 5),))


def test_every_alarm_of_the_channel_stays_though_the_text_is_harmless(parts):
    for flag, record in parts.content.red_flags.items():
        _, assessment = judged(HARMLESS, found(flag, ALARM, record.level))

        assert (assessment.outcome, assessment.level, assessment.flags) == (ALARM, record.level, (flag,))


@pytest.mark.parametrize("channel_flag", ["severe_pain", "foot_drop", "stroke"])
def test_no_finding_of_the_channel_is_taken_away(parts, channel_flag):
    level = parts.content.red_flags[channel_flag].level

    _, assessment = judged(BLADDER, found(channel_flag, ALARM, level))

    assert set(assessment.flags) == {channel_flag, "ces_bladder_incontinence"}
    assert [finding.level for finding in assessment.findings] == sorted((finding.level for finding in assessment.findings), key=LEVELS.index)
    assert assessment.level == "emergency"


def test_the_gate_raises_what_the_channel_did_not_find():
    result, assessment = judged(BLADDER, Assessment())

    assert assessment.level == "emergency"
    assert result.get("intent")["name"] == "red_flag_emergency"


def test_what_the_channel_could_not_wait_for_is_not_read_here_while_everybody_waits(monkeypatch):
    monkeypatch.setattr(Screen, "weigh", lambda *_: pytest.fail("the meaning was read"))

    _, assessment = judged(BLADDER, metadata={"assessment": Assessment().to_dict(), "is_read": False})

    assert assessment.flags == ("ces_bladder_incontinence",)


def test_a_message_without_metadata_is_screened_too():
    _, assessment = judged(BLADDER)

    assert assessment.flags == ("ces_bladder_incontinence",)


@pytest.mark.parametrize(
    "flag, outcome, level, intent",
    [
        ("stroke", ALARM, "emergency", "red_flag_emergency"), ("stroke", ASK, "emergency", "red_flag_emergency"),
        ("foot_drop", ALARM, "urgent", "red_flag_urgent"), ("foot_drop", ASK, "urgent", "red_flag_emergency"),
        ("suicidal_ideation", ALARM, "urgent", "red_flag_emergency"), ("severe_pain", ALARM, "soon", "red_flag_soon"),
        ("stroke", INFORM, "emergency", "red_flag_question"), ("foot_drop", INFORM, "urgent", "red_flag_question"),
        ("severe_pain", INFORM, "soon", "joint"),
    ],
)  # fmt: skip
def test_the_level_decides_which_intent_stands(parts, flag, outcome, level, intent):
    result, assessment = judged(HARMLESS, found(flag, outcome, level))

    assert result.get("intent")["name"] == intent
    assert replaces_answer(parts.content, assessment) == (intent == "red_flag_emergency")


@pytest.mark.parametrize("answer", ["yes", "a little", "sometimes", "not sure"])
@pytest.mark.parametrize("flag", ["ces_saddle_numbness", "foot_drop"])
def test_half_a_yes_to_the_screens_question_raises_the_flag(parts, flag, answer):
    _, assessment = judged(answer, Assessment(), Expecting(RED_FLAG, flag))

    assert (assessment.outcome, assessment.flags, assessment.level) == (ALARM, (flag,), parts.content.red_flags[flag].level)


def test_a_no_to_the_screens_question_is_known_as_such():
    result, assessment = judged("no", Assessment(), Expecting(RED_FLAG, "ces_saddle_numbness"))

    assert assessment.outcome == "none"
    assert result.get("intent")["name"] == "red_flag_answered_no"


@pytest.mark.parametrize("text, expecting", [(HARMLESS, Expecting(RED_FLAG, "foot_drop")), ("a little", None), ("no", None), ("", None)])
def test_what_answers_no_question_raises_nothing(text, expecting):
    result, assessment = judged(text, Assessment(), expecting)

    assert (assessment.outcome, assessment.answered) == ("none", None)
    assert result.get("intent") == INTENT


@pytest.mark.parametrize("text, expecting", [(BLADDER, None), (HARMLESS, None), ("a little", Expecting(RED_FLAG, "foot_drop"))])
def test_what_the_classifier_understood_is_left_alone(text, expecting):
    result, _ = judged(text, Assessment(), expecting)

    assert result.get("understood") == UNDERSTOOD


@pytest.mark.parametrize("answer, content_id", [("yes", "clam_shell"), ("no", "anatomy")])
def test_yes_to_did_you_mean_takes_the_first_topic(answer, content_id):
    result, _ = judged(answer, Assessment(), Expecting(DID_YOU_MEAN, "clam_shell"))

    assert result.get("understood")["id"] == content_id


def test_a_sign_outside_the_part_that_asks_is_screened():
    result, _ = judged(f"{BLADDER}. Where is the SI joint?")

    assert result.get("intent")["name"] == "red_flag_emergency"


def test_what_is_said_of_the_person_is_known_in_later_turns():
    tracker = waiting_for(None)
    for text, known in (("I'm pregnant, where is the joint?", ["pregnant"]), ("and where does it hurt?", ["pregnant"]), ("I'm not pregnant", [])):
        (result,) = RedFlagGate().process([Message({"text": text, "understood": dict(UNDERSTOOD), "intent": dict(INTENT)})], tracker)
        tracker.update(UserUttered(text, parse_data={"situations": result.get("situations"), "text": text}))
        assert result.get("situations") == known


def said(*texts):
    """Return what the gate makes of the last of several messages of one conversation, of which the tracker holds the latest alone."""
    tracker = waiting_for(None)
    for text in texts:
        message = Message({"text": text, "understood": dict(UNDERSTOOD), "intent": dict(INTENT)})
        (result,) = RedFlagGate().process([message], tracker)
        tracker = waiting_for(None)
        tracker.update(UserUttered(text, parse_data={**result.data, "text": text}))
    return result


def test_a_level_stands_through_many_turns_though_only_the_latest_message_is_read():
    result = said(BLADDER, *[HARMLESS] * 20)

    assert result.get("standing")["level"] == "emergency"


def test_a_fact_of_an_earlier_turn_is_still_put_together_with_one_of_now():
    alone = said("I have a fever of 39")
    together = said("I had a steroid injection into the joint last week", HARMLESS, HARMLESS, "I have a fever of 39")

    assert set(Assessment.from_dict(together.get("assessment")).flags) > set(Assessment.from_dict(alone.get("assessment")).flags)


def test_what_is_known_survives_being_stored():
    known = Known(Expecting(RED_FLAG, "stroke"), ("foot_drop",), ("fever", "injection"), (("stroke", frozenset(("face", "droops"))),))

    assert Known.from_dict(json.loads(json.dumps(known.to_dict()))) == known


# Who waits for an answer.

COACH_ASKS = Expecting("coach", "screen:numb_or_weak")


@pytest.mark.parametrize("text", ["yes", "1", "a bit", "sometimes", "not sure", "3", "no, well sometimes"])
def test_a_yes_or_a_doubt_to_a_question_of_the_coach_about_danger_is_an_alarm(text):
    result, assessment = judged(text, expecting=COACH_ASKS)

    assert (assessment.outcome, assessment.level, assessment.flags) == (ALARM, "emergency", ("numb_or_weak",))
    assert result.get("intent")["name"] == "red_flag_emergency"


@pytest.mark.parametrize("text", ["no", "2", "nope, all normal", "is this about my back and a bit of my hip?"])
def test_a_no_or_a_question_goes_to_the_coach(text):
    result, assessment = judged(text, expecting=COACH_ASKS)

    assert assessment.flags == () and result.get("intent")["name"] == "coach_answer"


@pytest.mark.parametrize("question", ["screen:life_stage", "cleared:after_surgery", "place:", "exercise:"])
def test_a_yes_to_anything_else_of_the_coach_is_no_alarm(question):
    result, assessment = judged("yes", expecting=Expecting("coach", question))

    assert assessment.outcome == "none" and result.get("intent")["name"] == "coach_answer"


def test_the_yes_of_a_button_counts_as_a_typed_one():
    result, assessment = judged("Yes", expecting=COACH_ASKS, metadata={"button": "coach:yes"})

    assert assessment.flags == ("numb_or_weak",) and result.get("intent")["name"] == "red_flag_emergency"


def test_a_danger_sign_comes_before_whoever_waits():
    for owner, question in (("coach", "exercise:"), ("consent", "keep"), ("diary", "pain"), ("tell", "offer"), ("tell", "contact")):
        result, assessment = judged(BLADDER, expecting=Expecting(owner, question))

        assert assessment.level == "emergency" and result.get("intent")["name"] == "red_flag_emergency"


@pytest.mark.parametrize(("owner", "question", "text", "intent"), [
    ("consent", "keep", "yes", "consent_answer"), ("consent", "keep", "not now", "consent_answer"), ("consent", "keep", "what happens if i say yes", "consent_answer"),
    ("consent", "forget", "yes, delete all of it", "consent_answer"), ("consent", "keep", HARMLESS, "joint"), ("consent", "keep", "sorry I mean 3", "diary_answer"),
    ("diary", "pain", "5", "diary_answer"), ("diary", "last", "no, it was a 4", "diary_answer"), ("diary", "last", HARMLESS, "joint"),
    ("tell", "offer", "yes please", "tell_answer"), ("tell", "offer", "no", "tell_answer"), ("tell", "offer", HARMLESS, "joint"), ("tell", "offer", "07700 900123", "joint"),
    ("tell", "contact", "Sam, 07700 900123", "tell_answer"), ("tell", "contact", "stop", "tell_answer"), ("tell", "contact", HARMLESS, "tell_answer"),
])  # fmt: skip
def test_who_gets_a_message_while_a_question_is_open(owner, question, text, intent):
    result, _ = judged(text, expecting=Expecting(owner, question))

    assert result.get("intent")["name"] == intent


@pytest.mark.parametrize("question, text", [("offer", "yes"), ("contact", "Sam, 07700 900123")])
def test_whether_a_clinic_is_told_is_asked_of_the_next_message_alone(question, text):
    tracker = waiting_for(Expecting("tell", question))
    tracker.update(UserUttered("where is it", parse_data={"text": "where is it", **said_nothing()}))

    (result,) = RedFlagGate().process([Message({"text": text, "understood": dict(UNDERSTOOD), "intent": dict(INTENT)})], tracker)

    assert result.get("intent")["name"] == "joint"


def said_nothing():
    """Return what the gate leaves of a message with nothing in it."""
    (result,) = RedFlagGate().process([Message({"text": HARMLESS, "understood": dict(UNDERSTOOD), "intent": dict(INTENT)})], waiting_for(None))
    return {key: value for key, value in result.data.items() if key != "text"}


@pytest.mark.parametrize("expecting", [None, Expecting("coach", "exercise:"), Expecting(DID_YOU_MEAN, "anatomy")])
def test_a_button_about_telling_a_clinic_is_heard_whoever_waits(expecting):
    result, assessment = judged("Yes, pass it on", expecting=expecting, metadata={"assessment": Assessment().to_dict(), "button": "tell:yes"})

    assert result.get("intent")["name"] == "tell_answer" and assessment.outcome == "none"


@pytest.mark.parametrize(("text", "intent"), [("exercises", "coach_answer"), ("coach me please", "coach_answer"), ("exercises for my neck", "joint")])
def test_one_word_begins_a_session_where_it_is_all_that_is_said(text, intent):
    result, _ = judged(text)

    assert result.get("intent")["name"] == intent
