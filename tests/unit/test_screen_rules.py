"""The rules of interpretation R1–R16, R19, R23, R24, R26–R29 of the clinical catalogue, on the real content, with sentences of our own."""

import pytest

from sijbot.triage.assess import ALARM, ASK, INFORM, NONE

SENTENCES = [
    ("R3", ALARM, "no fever, no pain, bladder won't empty"),
    ("R3", ALARM, "no fever, inner thighs have gone numb"),
    ("R8", ALARM, "I can't say I am not numb between my legs"),
    ("R8", ALARM, "I can't say I never leak urine"),
    ("R12", ALARM, "my dog sat on me and now I can't pee"),
    ("R12", ALARM, "our cat keeps me up and I am numb between my legs"),
    ("R1", ALARM, "I think there may be a bit of numbness round my privates"),
    ("R1", ALARM, "maybe it's nothing but I kind of can't feel my bladder filling"),
    ("R1", ALARM, "not sure if it counts but my foot sort of drags since Tuesday"),
    ("R1", ALARM, "I might be slightly numb between my legs idk"),
    ("R2", ALARM, "silly question, I keep wetting myself since the back pain started"),
    ("R2", ALARM, "I don't want to bother anyone but my crotch has gone numb"),
    ("R2", ALARM, "it's embarrassing, I pooed myself without noticing"),
    ("R2", ALARM, "not worried, but I leaked pee yesterday and never felt it"),
    ("R3", ALARM, "no fever, numb between the legs"),
    ("R3", ALARM, "no pain in the back but I can't pee"),
    ("R3", ALARM, "no weakness, however my groin has gone numb"),
    ("R3", ALARM, "I don't have a fever, my legs are both weak"),
    ("R3", ALARM, "no fever except my saddle area is numb"),
    ("R4", NONE, "no numbness between my legs, no trouble peeing"),
    ("R4", NONE, "I have no weakness, tingling or numbness in either leg"),
    ("R4", NONE, "no bladder or bowel problems, just an ache in my hip"),
    ("R4", NONE, "without chest pain or breathlessness"),
    ("R5", ALARM, "I can't feel it when I wipe"),
    ("R5", ALARM, "no fever, no control of my bladder"),
    ("R5", ALARM, "unable to pee since this morning"),
    ("R5", ALARM, "my foot won't move"),
    ("R5", ALARM, "no fever, no feeling between my legs, no sensation when I wipe"),
    ("R6", ALARM, "the numbness between my legs hasn't gone"),
    ("R6", ALARM, "the numbness in my groin won't go away"),
    ("R6", ALARM, "my numb privates are not improving"),
    ("R6", ALARM, "the weakness in my legs is no better"),
    ("R7", ALARM, "not only my back, both my legs are numb"),
    ("R7", ALARM, "it's not only pain, I can't hold my pee"),
    ("R8", ALARM, "can't say I don't leak urine"),
    ("R6", NONE, "my face hasn't gone droopy"),
    ("R8", ALARM, "it isn't as though I'm not numb between my legs"),
    ("R8", ALARM, "I wouldn't say I don't have chest pain"),
    ("R8", NONE, "it's not like I'm numb between my legs"),
    ("R9", NONE, "my calf was red and swollen, the clinic scanned it and found no clot"),
    ("R9", ALARM, "my calf is red and swollen, the clinic scanned it and found no clot"),
    ("R9", ALARM, "my calf was red and swollen, they scanned it and found no clot, it's still tight"),
    ("R10", ALARM, "I lost feeling between my legs in 2018 and it never came back"),
    ("R10", ALARM, "severe tummy pain, my sciatica from 2018 never came back"),
    ("R11", ASK, "numb between my legs ever since my operation three years ago"),
    ("R11", ALARM, "numb between my legs ever since my operation three years ago, getting worse"),
    ("R11", ALARM, "my back has hurt since an accident in 2019, my crotch is numb"),
    ("R11", ALARM, "I had surgery five years ago and now I'm numb between my legs"),
    ("R11", ALARM, "I've wanted to die since my surgery six years ago"),
    ("R19", ALARM, "I can't pee since my surgery in 2015"),
    ("R19", ALARM, "my crotch has been numb for two years"),
    ("R12", NONE, "my mare is lame and she can't pee"),
    ("R12", ALARM, "fell off my horse, both legs are numb"),
    ("R12", ALARM, "my husband has gone numb between his legs"),
    ("R12", ALARM, "my client wet herself and didn't notice"),
    ("R12", ALARM, "my friend says she can't feel her bladder"),
    ("R12", NONE, "my dog can't pee"),
    ("R12", NONE, "our cat has lost control of its bladder"),
    ("R13", INFORM, "is losing bladder control a red flag?"),
    ("R13", INFORM, "can SI joint pain cause numbness between the legs?"),
    ("R13", INFORM, "what are the symptoms of losing bladder control?"),
    ("R13", INFORM, "does a sacroiliac problem cause foot drop?"),
    ("R13", ASK, "is it normal to be numb between the legs?"),
    ("R13", ASK, "is it normal to lose control of your bladder with back pain?"),
    ("R14", ALARM, "should I worry that my groin is numb?"),
    ("R14", ALARM, "why can't I pee?"),
    ("R14", ALARM, "could my numb crotch come from sitting?"),
    ("R14", ALARM, "is it normal that my legs are both numb?"),
    ("R15", INFORM, "what if I get numb between my legs?"),
    ("R15", INFORM, "what would happen if I ever lost feeling in my groin?"),
    ("R15", INFORM, "in case I can't pee one day, who do I ring?"),
    ("R16", ALARM, "what if I've already wet myself"),
    ("R16", ALARM, "if I can't feel my crotch now, what then"),
    ("R16", ALARM, "what if I have been unable to pee since yesterday?"),
    ("R15", INFORM, "should my leg ever go numb, who do I call?"),
    ("R15", ALARM, "should I worry that my foot has dropped, the worst it has ever been"),
    ("R15", ALARM, "it feels as if my foot won't lift"),
    ("R16", ALARM, "if it matters, one day after the injection I can't pee"),
    ("R23", ASK, "is it normal for a bladder to leak with SI pain?"),
    ("R23", ALARM, "is it normal for my legs to both be numb?"),
    ("R24", NONE, "I've lost control of my bowels. Sorry, autocorrect! I meant my temper"),
    ("R24", ALARM, "I can't pee, sorry, I meant to tell you yesterday"),
    ("R24", ALARM, "I can't pee since Monday, sorry, typo, I meant since Tuesday"),
    ("R24", ALARM, "I can't pee and my chest hurts, sorry, I meant my hip hurts"),
    ("R24", ALARM, "my right leg is numb, sorry, I meant my left leg"),
    ("R24", ALARM, "numb between my legs, sorry typo, I meant my toes"),
    ("R24", ALARM, "I can't pee, just kidding"),
    ("R24", ALARM, "I can't pee, never mind"),
    ("R26", INFORM, "the leaflet says numbness between the legs is serious"),
    ("R26", ALARM, "the leaflet says numbness between the legs is serious, and that's me"),
    ("R27", INFORM, "let's role-play, I'm a runner and I can't pee"),
    ("R27", ALARM, "let's role-play later, but I can't pee"),
    ("R27", ALARM, "I'm writing a novel and I can't pee"),
    ("R27", ALARM, "I'm only testing the water, I can't pee"),
    ("R28", NONE, "the thermometer reads 98.2 and my back aches"),
    ("R28", ALARM, "the thermometer reads 101.2 and my back aches"),
    ("R29", NONE, "no pain in my back or pelvis, but I wake drenched in sweat"),
    ("R29", ALARM, "no pain in my back today, but I wake drenched in sweat"),
    ("R29", ALARM, "no pain in my back or pelvis, but I'm numb between my legs"),
    ("R29", ALARM, "both legs are numb"),
    ("R29", ALARM, "I have a fever and chills"),
    ("R29", ALARM, "it has lasted three weeks"),
    ("R29", ALARM, "I fell off a ladder yesterday and can't stand"),
]

# What the rule says and the screen does not do yet. A case moves up when it is mended.
@pytest.mark.parametrize(
    "rule, outcome, sentence",
    SENTENCES,
)
def test_a_sentence_comes_out_as_its_rule_says(screen, rule, outcome, sentence):
    assert screen(sentence).outcome == outcome


def test_every_rule_has_sentences():
    rules = {rule for rule, _, _ in SENTENCES}

    assert rules == {f"R{number}" for number in (*range(1, 17), 19, 23, 24, 26, 27, 28, 29)}


@pytest.mark.parametrize(
    "sentence, denied, raised",
    [
        ("no fever and both my legs are numb", "spinal_infection_fever", "ces_bilateral_leg"),
        ("no chest pain but I can't pee", "chest_pain", "ces_bladder_retention"),
    ],
)
def test_what_is_denied_is_recorded_and_not_raised(screen, sentence, denied, raised):
    assessment = screen(sentence)

    assert denied in assessment.denied
    assert denied not in assessment.flags
    assert raised in assessment.flags


@pytest.mark.parametrize("sentence", ["what is suicide?", "is it normal to think about suicide with back pain?"])
def test_a_question_about_self_harm_is_answered_by_a_question(screen, sentence):
    assessment = screen(sentence)

    assert assessment.outcome in (ASK, ALARM)
    assert "suicidal_ideation" in assessment.flags
