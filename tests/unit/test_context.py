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
        "hypothetical": "what if,in case", "present_fact": "today,already", "long_past": "years ago,in 2015", "resolved": "fine now",
        "recurring": "again,still,now", "not_a_patient": "my dog",
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
        pytest.param("a sign of tingling", Mention.ASKED, id="R13 signs in general"),
        pytest.param("is it normal to be numb", Mention.UNSURE, id="R13 impersonal"),
        pytest.param("is it normal to be numb, i am", Mention.PRESENT, id="R14 impersonal and owned"),
        pytest.param("what makes my foot numb", Mention.PRESENT, id="R14 a question by somebody who has it"),
        pytest.param("what makes my joint numb", Mention.ASKED, id="R14 owning the joint is not owning the sign"),
        pytest.param("what if i go numb", Mention.SUPPOSED, id="R15 supposed"),
        pytest.param("numb, in case it matters", Mention.PRESENT, id="R15 a supposition behind the sign"),
        pytest.param("what if i am numb today", Mention.PRESENT, id="R16 supposed, and a fact of now"),
    ],
)
def test_cues_around_a_sign_decide_how_it_is_mentioned(matcher, text, expected):
    assert mentions(matcher, text) == [expected]


@pytest.mark.parametrize("cue", ["no pain", "what is it", "what if", "years ago", "my dog"])
@pytest.mark.parametrize("order", ["{cue}. numb", "numb. {cue}"])
def test_a_cue_in_another_sentence_changes_nothing(matcher, cue, order):
    assert mentions(matcher, order.format(cue=cue)) == [Mention.PRESENT]


def test_each_sign_of_a_message_is_judged_on_its_own(matcher):
    assert mentions(matcher, "not tingling but numb. what is tingling") == [Mention.DENIED, Mention.PRESENT, Mention.ASKED]
