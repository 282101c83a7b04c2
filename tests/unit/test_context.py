"""What the words around a sign make of it, over cues of the test's own."""

import pytest

from sijbot.content.model import Cue, Pattern
from sijbot.triage.context import Mention, clauses, mention
from sijbot.triage.match import Matcher, compiled

VOCABULARY = {"sign": Cue("", ("numb", "no feeling", "tingling"))}
CUES = {
    name: Cue("", tuple(words.split(",")) if words != "comma" else (",", "and"))
    for name, words in {
        "negation": "no,not", "negation_after": ": none", "pseudo_negation": "not just,no doubt", "negative_symptom": "no feeling",
        "clause_break": "but", "clause_joint": "comma", "clause_opener": "i,my,numb", "question_start": "is,what", "question_lead": "and",
        "question_about": "sign of", "impersonal_question": "is it normal to", "ownership": "i,my,mum", "own_joint": "my joint",
        "hypothetical": "what if,in case,if my", "present_fact": "today,already", "long_past": "years ago,in 2015", "resolved": "fine now",
        "recurring": "again,still,now,came back", "not_a_patient": "my dog", "unresolved": "not gone", "double_negation": "not as if",
        "correction_slip": "sorry", "correction_meant": "i meant", "correction_none": "i meant to", "correction_detail": "left",
        "not_hypothetical": "as if", "supposition": "should,if", "some_day": "ever,one day", "not_some_day": "ever since",
        "same_here": "and i do", "pretend": "pretend i", "made_up_for": "for my essay", "in_earnest": "really",
        "lasting_sign": "numb", "long_time": "years,in 2015", "known_cause": "surgery", "cause_link": "since", "unchanged": "no change",
        "changed": "worse", "never_back": "never came back", "not_over": "feeling", "speaks_of_it": "it", "told_as_past": "was",
        "looked_at_it": "checked it", "found_clear": "found nothing", "goes_on": "still",
        "happening_now": "already", "joint_hurts": "my joint hurts", "people_in_general": "some people", "general_pronoun": "their",
        "present_fact_perhaps": "started", "not_long_past": "when i was 15 weeks", "back_again": "is back", "episode_over": "got over it",
        "gone_for_good": "is long gone", "can_go": "tingling,pain", "long_dead": "before she died", "kin": "mum", "kin_lead": "my",
        "likeness": "like", "animal_pronoun": "she,her", "clause_opener_in_list": "pins", "list_word": "or", "not_for_years": "hasnt happened in",
    }.items()
}  # fmt: skip


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(VOCABULARY, CUES, list(compiled("flag", "urgent", Pattern("{sign}"), VOCABULARY)))


def mentions(matcher: Matcher, text: str) -> list[Mention]:
    reading = matcher.read(text)
    numbers = clauses(reading)
    return [mention(match, reading, numbers) for match in sorted(matcher.matches(reading, numbers.of_token), key=lambda match: match.start)]


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("no pain but numb", Mention.PRESENT, id="R3 but ends a denial"),
        pytest.param("no pain, numb there", Mention.PRESENT, id="R3 a comma before an opener ends a denial"),
        pytest.param("no pain and my bits tingling", Mention.PRESENT, id="R3 and before an opener ends a denial"),
        pytest.param("no pain. tingling", Mention.PRESENT, id="R3 a sentence ends a denial"),
        pytest.param("no pain, weakness and tingling", Mention.DENIED, id="R4 a list of bare nouns is denied"),
        pytest.param("not numb", Mention.DENIED, id="R3 denied"),
        pytest.param("numb, not sore", Mention.PRESENT, id="R3 a denial does not reach backwards"),
        pytest.param("numb: none", Mention.DENIED, id="R3 denied behind the sign"),
        pytest.param("no pain, weakness and no feeling", Mention.PRESENT, id="R5 negative words are the sign"),
        pytest.param("not just tingling", Mention.PRESENT, id="R7 not just affirms"),
        pytest.param("no doubt tingling", Mention.PRESENT, id="R8 a denial that is none"),
        pytest.param("numb years ago", Mention.PAST, id="R9 past"),
        pytest.param("numb in 2015, fine now", Mention.PAST, id="R9 past and well"),
        pytest.param("numb years ago and again", Mention.PRESENT, id="R10 it is back"),
        pytest.param("mum is numb", Mention.PRESENT, id="R12 another person"),
        pytest.param("my dog is numb", Mention.NOT_A_PATIENT, id="R12 an animal"),
        pytest.param("what is tingling", Mention.ASKED, id="R13 a question"),
        pytest.param("and what is tingling", Mention.ASKED, id="R13 a question behind a lead-in"),
        pytest.param("and, and what is tingling", Mention.ASKED, id="R13 a question behind more than one lead-in"),
        pytest.param("what makes some people lose their foot, tingling", Mention.ASKED, id="R13 people in general"),
        pytest.param("what makes tingling already", Mention.PRESENT, id="R16 there now, nobody named"),
        pytest.param("what if it is already numb", Mention.PRESENT, id="R16 supposed, and there now"),
        pytest.param("what, my joint hurts, tingling", Mention.PRESENT, id="R14 the joint is said to hurt"),
        pytest.param("a sign of tingling", Mention.ASKED, id="R13 signs in general"),
        pytest.param("is it normal to be numb", Mention.UNSURE, id="R13 impersonal"),
        pytest.param("is it normal to be numb, i am", Mention.PRESENT, id="R14 impersonal and owned"),
        pytest.param("what makes my foot numb", Mention.PRESENT, id="R14 a question by somebody who has it"),
        pytest.param("what makes my joint numb", Mention.ASKED, id="R14 owning the joint is not owning the sign"),
        pytest.param("what if i go numb", Mention.SUPPOSED, id="R15 supposed"),
        pytest.param("numb, in case it matters", Mention.PRESENT, id="R15 a supposition behind the sign"),
        pytest.param("what if i am numb today", Mention.PRESENT, id="R16 supposed, and a fact of now"),
        pytest.param("has not gone numb", Mention.DENIED, id="R6 not gone numb denies"),
        pytest.param("has not gone, tingling", Mention.PRESENT, id="R6 not gone is no denial"),
        pytest.param("not as if i am not numb", Mention.PRESENT, id="R8 two denials"),
        pytest.param("not as if it is so, not numb", Mention.DENIED, id="R8 two denials with a comma between"),
        pytest.param("was numb, they checked it and found nothing", Mention.PAST, id="R9 looked at and nothing found"),
        pytest.param("numb, they checked it and found nothing", Mention.PRESENT, id="R9 looked at, not said to be over"),
        pytest.param("was numb, they checked it and found nothing, still there", Mention.PRESENT, id="R9 looked at, and it goes on"),
        pytest.param("numb in 2015, it never came back", Mention.PAST, id="R10 never came back"),
        pytest.param("numb in 2015, fine now, it is back", Mention.PRESENT, id="R10 well, and back all the same"),
        pytest.param("ill in 2015, tingling, got over it", Mention.PAST, id="R9 between the time and its end"),
        pytest.param("ill in 2015, got over it, tingling", Mention.PRESENT, id="R9 behind the end"),
        pytest.param("tingling is long gone", Mention.PAST, id="R9 long gone"),
        pytest.param("no feeling where pain is long gone", Mention.PRESENT, id="R9 something else is long gone"),
        pytest.param("numb, it hasnt happened in years", Mention.PAST, id="R9 not for years"),
        pytest.param("her numb hand before she died", Mention.PRESENT, id="R12 nobody is said to be dead"),
        pytest.param("mum was numb before she died", Mention.NOT_A_PATIENT, id="R12 the dead"),
        pytest.param("numb like mum before she died", Mention.PRESENT, id="R12 as the dead had it"),
        pytest.param("i am numb, mum was before she died", Mention.PRESENT, id="R12 somebody beside the dead"),
        pytest.param("numb in 2015, feeling never came back", Mention.PRESENT, id="R10 what was lost never came back"),
        pytest.param("numb since surgery six years ago", Mention.LASTING, id="R11 long there after a known cause"),
        pytest.param("since surgery in 2015, numb", Mention.LASTING, id="R11 the cause first"),
        pytest.param("numb since surgery", Mention.PRESENT, id="R11 not said how long"),
        pytest.param("numb since tuesday, six years a nurse", Mention.PRESENT, id="R11 no known cause"),
        pytest.param("numb since surgery six years ago, no change", Mention.PAST, id="R11 unchanged"),
        pytest.param("numb since surgery six years ago, worse", Mention.PRESENT, id="R11 changed"),
        pytest.param("sore since surgery in 2015, numb", Mention.PRESENT, id="R11 another sign is long there"),
        pytest.param("tingling since surgery six years", Mention.PRESENT, id="R11 no sign that may stay for good"),
        pytest.param("should it ever go numb", Mention.SUPPOSED, id="R15 should it ever"),
        pytest.param("if it goes numb one day", Mention.SUPPOSED, id="R15 one day"),
        pytest.param("should it be numb ever since", Mention.PRESENT, id="R15 ever since is no day to come"),
        pytest.param("feels as if my foot is numb", Mention.PRESENT, id="R15 as if supposes nothing"),
        pytest.param("what if it goes numb, and i do", Mention.PRESENT, id="R26 the text fits"),
        pytest.param("what if it goes numb, and i do ask", Mention.SUPPOSED, id="R26 the text is not said to fit"),
        pytest.param("pretend i am numb", Mention.QUOTED, id="R27 a game"),
        pytest.param("pretend i am ill, really numb", Mention.PRESENT, id="R27 in earnest behind a game"),
        pytest.param("for my essay, i am numb", Mention.QUOTED, id="R27 an essay opens the sentence"),
        pytest.param("i sat for my essay, numb", Mention.PRESENT, id="R27 an essay is only spoken of"),
        pytest.param("numb, sorry, i meant sore", Mention.DENIED, id="R24 another word in its place"),
        pytest.param("numb. sorry, i meant sore", Mention.DENIED, id="R24 taken back in the next sentence"),
        pytest.param("numb, sorry", Mention.PRESENT, id="R24 sorry takes nothing back"),
        pytest.param("numb, i meant sore", Mention.PRESENT, id="R24 no slip is said"),
        pytest.param("numb, sorry, i meant left", Mention.PRESENT, id="R24 a detail takes nothing back"),
        pytest.param("numb, sorry, i meant to write", Mention.PRESENT, id="R24 meant to is no word in its place"),
        pytest.param("sorry, i meant sore, numb", Mention.PRESENT, id="R24 a sign behind the correction"),
        pytest.param("numb but sore, sorry, i meant hot", Mention.PRESENT, id="R24 only what stands right before"),
    ],
)
def test_cues_around_a_sign_decide_how_it_is_mentioned(matcher, text, expected):
    assert mentions(matcher, text) == [expected]


@pytest.mark.parametrize("cue", ["no pain", "what is it", "what if", "years ago", "my dog"])
@pytest.mark.parametrize("order", ["{cue}. numb", "numb. {cue}"])
def test_a_cue_in_another_sentence_changes_nothing(matcher, cue, order):
    assert mentions(matcher, order.format(cue=cue)) == [Mention.PRESENT]


def test_a_sign_in_the_place_of_another_of_its_kind_stands_with_it(matcher):
    assert mentions(matcher, "numb, sorry, i meant tingling") == [Mention.PRESENT, Mention.PRESENT]


def test_a_fact_that_is_long_so_stays_a_fact():
    matcher = Matcher(VOCABULARY, CUES, list(compiled("fact", "", Pattern("{sign}"), VOCABULARY)))

    assert mentions(matcher, "numb since surgery six years") == [Mention.PRESENT]


def test_each_sign_of_a_message_is_judged_on_its_own(matcher):
    assert mentions(matcher, "not tingling but numb. what is tingling") == [Mention.DENIED, Mention.PRESENT, Mention.ASKED]
