"""Whether an exercise may be shown now; the database is a real one in memory."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from sijbot import clock
from sijbot.exercise_gate import open_gate
from sijbot.records import repository, schema
from sijbot.regions import worded
from sijbot.routing import Expecting
from sijbot.triage.assess import Assessment, Finding
from sijbot.triage.lock import LIFETIME, Lock

NOTHING = Assessment()
CALM, LOADED, ANSWER, GENERAL = "pelvic_tilt_supine", "clam_shell", "anatomy", "gentle_exercises"


@pytest.fixture
def runtime(content):
    engine = schema.make_engine("sqlite://")
    schema.METADATA.create_all(engine)
    return SimpleNamespace(content=content, engine=engine)


def lock(level: str, *flags: str, age: timedelta = timedelta()) -> Lock:
    return Lock(level, flags, clock.now() - age)


def refused(runtime, content_id, assessment=NOTHING, raised_earlier=None, expecting=None, conversation_id="mine"):
    return open_gate(runtime, conversation_id, assessment, raised_earlier, expecting, "uk").refusal(content_id)


def test_a_database_that_does_not_answer_shows_no_exercise(runtime):
    schema.METADATA.drop_all(runtime.engine)

    with pytest.raises(sa.exc.SQLAlchemyError):
        refused(runtime, LOADED)


@pytest.mark.parametrize("level, flag", [("emergency", "stroke"), ("urgent", "foot_drop")])
@pytest.mark.parametrize("content_id", [CALM, LOADED, GENERAL])
def test_an_emergency_or_urgent_level_refuses_every_exercise_and_names_the_sign(runtime, content, level, flag, content_id):
    reason = refused(runtime, content_id, raised_earlier=lock(level, flag))

    assert reason == worded(content, f"standing_{level}", "uk", finding=content.red_flags[flag].finding)


@pytest.mark.parametrize("content_id", [ANSWER, "stop_rules"], ids=["no exercise", "when to stop"])
def test_an_answer_and_the_rules_for_stopping_are_never_refused(runtime, content_id):
    assert refused(runtime, content_id, raised_earlier=lock("emergency", "stroke")) is None


def test_an_answer_that_leads_to_an_exercise_is_refused_like_one(runtime, content):
    leading = [content_id for content_id, answer in content.answers.items() if set(answer.related) & set(content.exercises) and content_id != "stop_rules"]

    assert leading
    assert all(refused(runtime, content_id, raised_earlier=lock("emergency", "stroke")) for content_id in leading)


@pytest.mark.parametrize("content_id", [CALM, LOADED, GENERAL])
def test_where_nothing_stands_the_exercise_is_shown(runtime, content_id):
    assert refused(runtime, content_id) is None


def test_an_open_question_of_the_screen_refuses_and_is_put_again(runtime, content):
    reason = refused(runtime, LOADED, expecting=Expecting("red_flag", "stroke"))

    assert content.red_flags["stroke"].question in reason


def test_a_question_about_change_is_put_again_as_it_was_put(runtime, content):
    reason = refused(runtime, LOADED, expecting=Expecting("red_flag", "leg_neuro_significant", is_about_change=True))

    assert content.wording["question_of_change"] in reason


def test_an_open_question_of_somebody_else_refuses_nothing(runtime):
    assert refused(runtime, LOADED, expecting=Expecting("did_you_mean", "sleeping")) is None


def test_an_alarm_of_the_same_message_refuses(runtime):
    assert refused(runtime, LOADED, Assessment("alarm", (Finding("foot_drop", "alarm", "urgent", 0, 1),)))


def test_the_stored_lock_refuses_and_only_in_its_own_conversation(runtime):
    with runtime.engine.begin() as connection:
        repository.write_lock(connection, "mine", lock("urgent", "foot_drop"))

    assert refused(runtime, LOADED)
    assert refused(runtime, LOADED, conversation_id="another") is None


def test_the_higher_of_the_stored_and_the_remembered_lock_refuses(runtime, content):
    with runtime.engine.begin() as connection:
        repository.write_lock(connection, "mine", lock("soon", "severe_pain"))

    assert content.red_flags["stroke"].finding in refused(runtime, LOADED, raised_earlier=lock("emergency", "stroke"))


@pytest.mark.parametrize("content_id, is_refused", [(LOADED, True), (CALM, False), (GENERAL, False)])
def test_a_soon_level_refuses_loaded_exercise_only(runtime, content, content_id, is_refused):
    assert content.exercises[CALM].phase == "calm" and content.exercises[LOADED].phase != "calm"

    assert (refused(runtime, content_id, raised_earlier=lock("soon", "severe_pain")) is not None) is is_refused


def test_pain_over_a_week_alone_lets_the_exercises_go_on(runtime):
    assert refused(runtime, LOADED, raised_earlier=lock("soon", "pain_over_1_week")) is None
    assert refused(runtime, LOADED, raised_earlier=lock("soon", "pain_over_1_week", "severe_pain"))


@pytest.mark.parametrize("age, is_refused", [(LIFETIME - timedelta(minutes=1), True), (LIFETIME, False)])
def test_a_level_refuses_for_seven_days(runtime, age, is_refused):
    assert (refused(runtime, LOADED, raised_earlier=lock("urgent", "foot_drop", age=age)) is not None) is is_refused
