"""The danger screen: a pure function from a message, and what is known, to an assessment."""

from sijbot.triage.assess import Assessment, Finding, Known, Screen
from sijbot.triage.hand_off import hand_off_again, hand_off_message, help_line, is_handed_over, question_of, replaces_answer

__all__ = ["Assessment", "Finding", "Known", "Screen", "hand_off_again", "hand_off_message", "help_line", "is_handed_over", "question_of", "replaces_answer"]
