"""The one function that turns an assessment into words (R30), for every region."""

import pytest

from sijbot.triage import Assessment, Finding, hand_off_message, replaces_answer

# Clinical catalogue, section on numbers by country; "xx", None and "" are countries that are not known.
EMERGENCY_NUMBERS = {
    "uk": "999", "us": "911", "ca": "911", "au": "000", "nz": "111", "ie": "112 or 999", "eu": "112", "ch": "144", "in": "112", "za": "10177", "sg": "995",
    "hk": "999", "ph": "911", "ng": "112", "ke": "999", "ae": "998", "unknown": "112 or 911", "xx": "112 or 911", "": "112 or 911", None: "112 or 911",
}  # fmt: skip
CRISIS_NUMBERS = {
    "uk": "116 123", "us": "988", "ca": "988", "au": "13 11 14", "nz": "1737", "ie": "116 123", "eu": "116 123", "ch": "143", "in": "14416",
    "za": "0800 567 567", "sg": "1767", "hk": "2896 0000", "ph": "1553", "ng": "findahelpline.com", "ke": "1190", "ae": "findahelpline.com",
    "unknown": "findahelpline.com", "xx": "findahelpline.com",
}  # fmt: skip


def said(*findings: tuple[str, str, str]) -> Assessment:
    return Assessment(findings[0][1], tuple(Finding(flag, outcome, level, place, place + 1) for place, (flag, outcome, level) in enumerate(findings)))


SADDLE = ("ces_saddle_numbness", "alarm", "emergency")
FOOT = ("foot_drop", "alarm", "urgent")
SUICIDE = ("suicidal_ideation", "alarm", "urgent")


def test_the_table_of_numbers_names_every_region(content):
    assert set(content.regions) <= set(EMERGENCY_NUMBERS) and set(content.regions) <= set(CRISIS_NUMBERS)


@pytest.mark.parametrize("assessment", [Assessment(), said(("foot_drop", "inform", "urgent"))], ids=["none", "inform"])
def test_without_alarm_or_ask_there_is_no_hand_off(content, assessment):
    assert hand_off_message(content, assessment, "uk") is None
    assert not replaces_answer(content, assessment)


@pytest.mark.parametrize("region, number", EMERGENCY_NUMBERS.items())
def test_an_emergency_text_opens_with_the_number_of_the_region(content, region, number):
    reply = hand_off_message(content, said(SADDLE), region)

    assert number in reply.text.split("\n\n")[0]


@pytest.mark.parametrize("region, number", CRISIS_NUMBERS.items())
def test_a_crisis_text_opens_with_the_crisis_line_of_the_region(content, region, number):
    reply = hand_off_message(content, said(SUICIDE), region)

    assert number in reply.text.split("\n\n")[0]


def test_a_region_code_in_capitals_is_known(content):
    assert hand_off_message(content, said(SADDLE), "UK") == hand_off_message(content, said(SADDLE), "uk")


def test_no_place_stays_open_in_any_text_of_any_region(content):
    for flag_id, flag in content.red_flags.items():
        for region in content.regions:
            for outcome in ("alarm", "ask"):
                text = hand_off_message(content, said((flag_id, outcome, flag.level), SADDLE), region).text
                assert "{" not in text and "}" not in text, (flag_id, region, outcome)


def test_the_most_pressing_finding_is_named_and_the_others_follow_in_one_line(content):
    reply = hand_off_message(content, said(SADDLE, FOOT, ("severe_pain", "alarm", "soon")), "uk")

    flags = content.red_flags
    others = f"{flags['foot_drop'].finding}; {flags['severe_pain'].finding}"
    assert flags["ces_saddle_numbness"].finding in reply.text
    assert content.hand_offs["emergency"].also.format(findings=others) in reply.text.split("\n\n")


def test_a_sign_that_was_only_asked_about_is_not_named(content):
    reply = hand_off_message(content, said(SADDLE, ("foot_drop", "inform", "urgent")), "uk")

    assert content.red_flags["foot_drop"].finding not in reply.text


def test_a_crisis_line_is_added_to_an_emergency_and_replaces_nothing(content):
    alone = hand_off_message(content, said(SADDLE), "uk")
    both = hand_off_message(content, said(SADDLE, SUICIDE), "uk")

    assert both.text.startswith(alone.text.rstrip())
    assert content.regions["uk"].crisis_line in both.text


@pytest.mark.parametrize(
    "finding, kind",
    [(SADDLE, "emergency"), (("stroke", "alarm", "emergency"), "ambulance"), (FOOT, "urgent"), (("severe_pain", "alarm", "soon"), "soon"), (SUICIDE, "crisis")],
)
def test_each_finding_gets_the_text_of_its_kind(content, finding, kind):
    reply = hand_off_message(content, said(finding), "uk")

    assert reply.title == content.hand_offs[kind].title
    assert reply.level == finding[2]
    assert reply.kind == "care_card"


def test_crisis_text_stays_when_a_pattern_raises_the_level(content):
    reply = hand_off_message(content, said(("suicidal_ideation", "alarm", "emergency")), "uk")

    assert reply.title == content.hand_offs["crisis"].title


def test_an_ask_puts_its_question_before_the_emergency_text(content):
    reply = hand_off_message(content, said(("ces_saddle_numbness", "ask", "emergency")), "uk")

    first, second = reply.text.split("\n\n")[:2]
    assert content.red_flags["ces_saddle_numbness"].question in first
    assert content.regions["uk"].emergency_line in second


def test_what_has_long_been_there_is_asked_whether_it_has_changed(content, screen):
    assessment = screen("My outer foot has been numb since my disc surgery six years ago")

    assert assessment.outcome == "ask"
    assert content.wording["question_of_change"] in hand_off_message(content, assessment, "uk").text


@pytest.mark.parametrize(
    "finding, replaces",
    [(SADDLE, True), (SUICIDE, True), (("severe_pain", "ask", "soon"), True), (FOOT, False), (("severe_pain", "alarm", "soon"), False)],
)
def test_emergency_crisis_and_every_ask_replace_the_answer(content, finding, replaces):
    assert replaces_answer(content, said(finding)) is replaces


def test_the_same_findings_give_the_same_id_and_others_another(content):
    ids = [hand_off_message(content, said(*findings), region).id for findings, region in [((SADDLE,), "uk"), ((SADDLE,), "us"), ((SADDLE, FOOT), "uk")]]

    assert ids[0] == ids[1] != ids[2]


def test_every_emergency_text_is_complete_in_600_characters_in_every_region(content):
    longest = {}
    for flag_id, flag in content.red_flags.items():
        finding = Finding(flag_id, "alarm", "emergency", 0, 4)
        texts = {region: hand_off_message(content, Assessment("alarm", (finding,)), region).text for region in content.regions}
        longest |= {f"{region}: {flag_id}": len(text) for region, text in texts.items() if len(text) > 600}

    assert longest == {}


@pytest.mark.parametrize("first, second", [("ces_bladder_retention", "stroke"), ("stroke", "ces_bladder_retention")])
def test_an_ambulance_comes_before_the_way_to_the_hospital_whichever_sign_is_named(content, first, second):
    reply = hand_off_message(content, said((first, "alarm", "emergency"), (second, "alarm", "emergency")), "uk")

    assert "ambulance" in reply.text
    assert content.red_flags[first].finding in reply.text.split("\n\n")[1]


def test_a_milder_sign_calls_no_ambulance(content):
    reply = hand_off_message(content, said(SADDLE, ("stroke", "ask", "emergency")), "uk")

    assert "ask for an ambulance" not in reply.text
