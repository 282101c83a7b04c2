"""Which texts `content/coach.yml` must hold, and what fills their places beside the words of the region."""

from __future__ import annotations

PLACES_OF: dict[str, str] = {
    "ask_screen": "number of question",
    "ask_which": "choices",
    "ask_about_you": "choices",
    "ask_since": "about",
    "ask_cleared": "about",
    "ask_hurts": "before",
    "ask_pain_after": "before",
    "ask_signs_after": "question",
    "before_starting": "minutes exercises",
    "exercise_title": "place of title",
    "exercise_round": "round rounds",
    "exercise_other_posture": "posture",
    "how_much_times": "count",
    "how_much_each_side": "count",
    "how_much_breaths": "count",
    "how_much_minutes": "count",
    "how_much_hold": "hold",
    "how_much_rest": "rest",
    "how_much_rounds": "rounds",
    "stop_if": "stop_if",
    "adapt": "adapt",
    "step_of": "line of text",
    "exercise_again": "title amount",
    "not_understood": "hint",
    "noted": "conditions",
    "moved": "where",
    "plan_left": "exercises",
    "easier": "text",
    "harder": "text",
    "why": "purpose phase aim suits rule",
    "why_suits": "condition",
    "emergency_if": "what",
    "held_back": "why",
    "phase_next": "phase aim",
    "phase_calm": "aim",
    "restart_smaller": "percent",
    "summary": "before after sets colour next",
    "summary_sets": "exercises sets",
    "next_session": "how_often",
    "diary_noted": "pain day worse",
    "diary_corrected": "pain day worse",
    "diary_worse": "worse",
    "progress": "trend latest sessions worst",
    "progress_latest": "pain day",
    "progress_sessions": "sessions day",
    "progress_worst": "worse",
    "trend_few": "days low high",
    "trend_down": "first last",
    "trend_up": "first last",
    "trend_same": "first last",
    "chart_shows": "from to points",
    "chart_point": "day pain",
    "summary_intro": "day",
    "summary_session_line": "day phase sets before after colour",
    "summary_signs_no": "at questions",
    "summary_signs_found": "at finding level",
    "summary_signs_seen": "at finding",
    "home_intro": "phase aim how_often",
    "consent_question": "days",
    "known": "lines",
    "known_conversation": "messages",
    "known_situations": "situations",
    "known_details": "details",
    "known_diary": "entries latest",
    "known_sessions": "sessions",
    "known_signs": "findings", "known_passed_on": "findings",
    "known_consent_yes": "day days",
}  # fmt: skip
WITHOUT_PLACES = """
    intro intro_again intro_missed answer_yes answer_no answer_unsure ask_week ask_day_after ask_improving ask_return_test ask_pain_before ask_minutes
    ask_place ask_things floor_or_bed upright posture_back posture_propped posture_side posture_kneeling posture_sitting posture_standing
    posture_walking menu menu_first step_menu button_next button_repeat button_easier button_harder button_skip button_pause button_stop
    button_it_hurts button_why button_resume button_begin button_of_before button_of_ended button_none hint_yes_no hint_pain hint_list hint_number
    hint_place hint_exercise noted_more noted_wrong which_none why_asked unwell_first easiest hardest plan_is_short news back_to_it paused resumed
    resumed_later stopped no_easier no_harder harder_not_yet skipped pain_not_risen stop_exercise stop_all held_back_end ended_screen ended_red_flag
    ended_too_much_pain ended_nothing_fits ended_stopped ended_stopped_after ended_programme over nothing_to_resume standing_question day_after_worse
    not_improving return_test_later programme_rest summary_none colour_green colour_amber colour_red rule_not_done_yet rule_red_again_in_a_week
    rule_stopped_again_and_again rule_red rule_amber_again rule_stopped rule_amber rule_form_slipped rule_green_in_a_row rule_green_not_long_enough
    rule_raised_this_week rule_after_break rule_stepped_back diary_today diary_yesterday diary_ask_number diary_high diary_not_kept progress_none
    progress_title trend_up_advice chart_axis chart_session download_chart download_summary download_home_sheet download_data summary_title
    summary_said summary_hurts summary_hurts_unknown summary_situation summary_done summary_no_sessions summary_trend summary_signs summary_signs_none
    summary_medicines summary_medicines_not_said summary_pain_unknown level_emergency level_urgent level_soon home_title home_said home_none home_stop
    home_foot consent_yes consent_not_now consent_given consent_not_given consent_explained keeping_off known_title known_nothing known_consent_no
    known_keeping_off forget_question forget_yes forget_no forgotten not_forgotten data_said
""".split()
COACH_KEYS = frozenset((*PLACES_OF, *WITHOUT_PLACES))
