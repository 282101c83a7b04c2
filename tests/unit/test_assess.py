"""The screen as a function: long and odd texts, where a sign stands, and answers to its questions (R20)."""

import dataclasses

import pytest

from sijbot.content.model import Cue, Pattern
from sijbot.routing import DID_YOU_MEAN, RED_FLAG, Expecting
from sijbot.triage import Assessment, Finding, Known, Screen
from sijbot.triage.assessment import SEEN
from sijbot.triage.assess import ALARM, ASK, INFORM, NONE, OVERLAP_CHARACTERS, WINDOW_CHARACTERS, WINDOWS_REMEMBERED, raised

SIGN = "I can't pee"
FILLER = "The weather was fine and we went out for a walk. "
SADDLE = "ces_saddle_numbness"
ASKED = Known(Expecting(RED_FLAG, SADDLE))
BORDERS = (WINDOW_CHARACTERS - OVERLAP_CHARACTERS, WINDOW_CHARACTERS, 2 * WINDOW_CHARACTERS - OVERLAP_CHARACTERS)


def padded(length: int) -> str:
    """Return harmless text of this length that ends a sentence."""
    return (FILLER * (length // len(FILLER) + 1))[: length - 2] + ". "


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "\ud800", "?", "...", "-", "😀", "\u200b" * 500, "a" * 10_000, "{numb} & ...", "'"])
def test_empty_and_odd_text_finds_nothing(screen, text):
    assert (screen(text).outcome, screen(text).findings, screen(text).level) == (NONE, (), None)


@pytest.mark.parametrize("before", [0, 2, 5_000, 30_000])
def test_a_sign_is_found_wherever_it_stands(screen, before):
    text = (padded(before) if before else "") + SIGN + ". " + padded(500)

    finding = screen(text).findings[0]

    assert (finding.flag, finding.level) == ("ces_bladder_retention", "emergency")
    assert text[finding.start : finding.end] == "can't pee"


@pytest.mark.parametrize("border", BORDERS)
def test_a_sign_across_a_window_border_is_found_at_its_place(screen, border):
    for cut in range(len(SIGN) + 1):
        text = padded(border - cut) + SIGN + ". " + padded(500)

        finding, = screen(text).findings

        assert text[finding.start : finding.end] == "can't pee", cut


def test_a_denial_across_a_window_border_stays_a_denial(screen):
    denial = "no numbness between my legs"

    outcomes = {screen(padded(BORDERS[0] - cut) + denial + ". " + padded(500)).outcome for cut in range(len(denial))}

    assert outcomes == {NONE}


@pytest.mark.parametrize(
    "text, words",
    [
        ("👩‍👩‍👧‍👦😢 I can't pee 😢", "can't pee"),
        ("🇬🇧👍🏽 I ca\u200dn’t\u200b pee", "ca\u200dn’t\u200b pee"),
        ("Ｉ ｃａｎ＇ｔ　ｐｅｅ", "ｃａｎ＇ｔ　ｐｅｅ"),
        ("ﬁrst İ can't pee", "can't pee"),
        ("\ud83d I can't pee", "can't pee"),
    ],
)
def test_offsets_are_code_points_of_the_original(screen, text, words):
    finding = next(finding for finding in screen(text).findings if finding.flag == "ces_bladder_retention")

    assert text[finding.start : finding.end] == words


def test_the_most_pressing_finding_comes_first_and_each_flag_once(screen):
    assessment = screen("My foot drags. I have numb privates. My foot drags again, and my privates are numb.")

    levels = ["emergency", "urgent", "soon"]
    ranks = [levels.index(finding.level) for finding in assessment.findings]
    assert assessment.flags[0] == SADDLE and "foot_drop" in assessment.flags
    assert ranks == sorted(ranks)
    assert len(set(assessment.flags)) == len(assessment.flags)


def test_a_sign_that_is_asked_about_and_then_said_is_an_alarm(screen):
    assert screen("Is saddle numbness a red flag? My crotch is numb.").outcome == ALARM


def test_a_flag_that_was_found_is_not_denied_at_once(screen):
    assessment = screen("I had no numbness between my legs before. My crotch is numb.")

    assert assessment.outcome == ALARM
    assert SADDLE not in assessment.denied


@pytest.mark.parametrize("answer", ["a little", "sometimes", "yeah kind of", "think so", "idk", "yes", "Yes.", "YES!!", "not sure", "I don’t know"])
def test_a_partial_or_unsure_answer_to_the_screen_counts_as_yes(screen, content, answer):
    assessment = screen(answer, ASKED)

    assert assessment.outcome == ALARM
    assert assessment.findings == (Finding(SADDLE, ALARM, content.red_flags[SADDLE].level, 0, len(answer)),)
    assert ASKED.after(assessment, answer).expecting is None


@pytest.mark.parametrize("answer", ["no", "No.", "nope", "not at all"])
def test_no_answers_the_question_and_raises_nothing(screen, answer):
    assessment = screen(answer, ASKED)

    assert (assessment.outcome, assessment.answered) == (NONE, (SADDLE, "no"))
    assert ASKED.after(assessment, answer).expecting is None


def test_no_does_not_hide_another_sign_of_the_same_message(screen):
    assert "ces_bladder_retention" in screen("no, but I can't pee", ASKED).flags


@pytest.mark.parametrize("text", ["how should I sleep with this?", "", "what do you mean"])
def test_what_is_no_answer_leaves_the_question_open(screen, text):
    assessment = screen(text, ASKED)

    assert assessment.answered is None
    assert ASKED.after(assessment, text) == ASKED


@pytest.mark.parametrize(
    "known", [Known(), Known(Expecting(DID_YOU_MEAN, SADDLE)), Known(Expecting(RED_FLAG, "no_such_flag"))], ids=["nobody", "somebody else", "a flag that is gone"]
)
def test_yes_raises_nothing_where_the_screen_did_not_ask(screen, known):
    assert screen("yes", known) == Assessment()


def test_an_ask_leaves_its_question_open(screen):
    question = "is it normal to be numb between the legs?"
    assessment = screen(question)

    assert assessment.outcome == ASK
    assert Known().after(assessment, question).expecting == Expecting(RED_FLAG, SADDLE)


@pytest.mark.parametrize("text, known", [("", Known()), ("no fever but I can't pee", Known()), ("a bit", ASKED)])
def test_an_assessment_survives_its_json_form(screen, text, known):
    assessment = screen(text, known)

    assert Assessment.from_dict(assessment.to_dict()) == assessment


def test_two_assessments_of_a_message_join_at_the_higher_level():
    question = Assessment(INFORM, (Finding(SADDLE, INFORM, "emergency", 0, 4),))
    alarm = Assessment(ALARM, (Finding("foot_drop", ALARM, "urgent", 9, 12),), answered=("stroke", "no"))

    assert raised(question, alarm) == raised(alarm, question)
    assert (raised(question, alarm).level, raised(question, alarm).answered) == ("urgent", ("stroke", "no"))


def test_the_level_of_a_pattern_stands_before_the_level_of_its_flag(content):
    flag = dataclasses.replace(content.red_flags["foot_drop"], patterns=(Pattern("zig"), Pattern("zag", level="emergency")), unless=())
    own = Screen(dataclasses.replace(content, red_flags={"foot_drop": flag}, facts={}, combinations={}, vocabulary={"unused": Cue("", ("unused",))}))

    assert (own("my zig").level, own("my zag").level, own("my zug").level) == ("urgent", "emergency", None)


LOST_CONTROL = "I lost control of my bladder"


@pytest.mark.parametrize(
    "text, taken_back",
    [
        pytest.param("sorry, I meant hip flexor not bladder", True, id="says what was wrong"),
        pytest.param("autocorrect, that was not bladder", True, id="autocorrect"),
        pytest.param("never mind", False, id="never mind"),
        pytest.param("just kidding", False, id="just kidding"),
        pytest.param("it's fine now", False, id="fine now"),
        pytest.param("I meant something else", False, id="does not say what"),
        pytest.param("I meant that I lost control of my bladder and my bowel", False, id="says it again"),
        pytest.param("what about my bladder?", False, id="no correction"),
    ],
)
def test_a_sign_is_taken_back_only_by_saying_what_was_wrong(screen, text, taken_back):
    known = Known().after(screen(LOST_CONTROL), LOST_CONTROL)

    assert bool(screen(text, known).corrected) is taken_back


@pytest.mark.parametrize(
    "text, seen",
    [
        ("A&E checked me yesterday, all clear", True), ("the doctor has examined me", True), ("I went to the hospital", True), ("I've been seen", True),
        ("the hospital scanned my back and it was clear", True), ("the ER sent me home", True),
        ("I'm waiting to be seen", False), ("I haven't been seen", False), ("should the doctor have a look at me?", False), ("no doctor has looked at me", False),
        ("I will go to the hospital", False), ("the doctor will check me tomorrow", False), ("can the GP see me", False), ("is the hospital open", False),
    ],
)  # fmt: skip
def test_being_seen_is_a_fact_that_must_be_said(screen, text, seen):
    assert (SEEN in screen(text).facts) is seen


@pytest.mark.parametrize("text, is_raised", [("the hospital checked me yesterday", False), ("the hospital checked me yesterday but the fever is back", True)])
def test_what_was_raised_over_turns_and_looked_at_is_raised_again_only_where_it_is_back(screen, text, is_raised):
    known = Known()
    for said in ("I had an epidural injection in my back last Thursday", "I have a fever and I shiver"):
        known = known.after(screen(said, known), said)

    assert ("spinal_infection_risk" in screen(text, known).flags) is is_raised


BLED = "I'm 31 weeks pregnant and had a bit of bleeding last night"


@pytest.mark.parametrize(
    "text, asked, outcome",
    [
        ("the midwife told me to come in and they checked me, all fine", "pregnancy_bleeding", NONE),
        ("the midwife told me to come in and they checked me, all fine", "stroke", ALARM),
        ("the midwife checked me this morning and I am bleeding again, 31 weeks", "pregnancy_bleeding", ALARM),
    ],
    ids=["what was asked about", "something else was asked about", "it is there again"],
)
def test_what_was_asked_about_and_has_been_looked_at_is_not_pieced_together_again(screen, text, asked, outcome):
    known = Known(Expecting(RED_FLAG, asked), atoms=screen(BLED).facts)

    assert screen(text, known).outcome == outcome


def test_the_words_of_a_message_are_read_once_by_channel_and_gate(content, monkeypatch):
    screen, read = Screen(content), []
    window = Screen._window
    monkeypatch.setattr(Screen, "_window", lambda self, text, offset: read.append(text) or window(self, text, offset))

    screen("my left buttock aches")
    screen("my left buttock aches", ASKED)
    screen("my right buttock aches")

    assert read == ["my left buttock aches", "my right buttock aches"]


def test_whether_the_words_of_a_message_alarm_is_known_when_it_comes_again_in_a_crowd(content, monkeypatch):
    screen, read = Screen(content), []
    window = Screen._window
    monkeypatch.setattr(Screen, "_window", lambda self, text, offset: read.append(text) or window(self, text, offset))
    crowd = [f"my left buttock aches on chair {number}" for number in range(WINDOWS_REMEMBERED + 1)]
    texts = [SIGN, *crowd]

    first, again = [[screen.alarms(text) for text in texts] for _ in range(2)]

    assert read == texts and first == again == [True, *(False for _ in crowd)]
