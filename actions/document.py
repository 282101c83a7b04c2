"""The page for a clinician, and the sheet of exercises to print: as text here, as a file by the channel."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import end_of_turn, read_turn, say
from sijbot import runtime
from sijbot.answering import standing_line
from sijbot.documents import pages
from sijbot.replies import Document, Reply


class ActionDocument(Action):
    """Shows a page, and offers it as a file."""

    def name(self) -> Text:
        return "action_document"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[Dict[Text, Any]]:
        turn, parts = read_turn(tracker), runtime.current()
        coach = parts.content.coach
        say(dispatcher, standing_line(parts.content, turn.raised_earlier, turn.region))
        if turn.understood["intent"] == "ask_home_sheet":
            sheet = pages.home_sheet(parts, turn.conversation_id, turn.region)
            if sheet is None:
                say(dispatcher, Reply(coach["home_none"]))
            else:
                say(dispatcher, Reply(f"{coach['home_said']}\n\n{sheet.text}", title=coach["home_title"], documents=(Document("home_sheet.pdf", coach["download_home_sheet"]),)))
        else:
            summary = pages.summary(parts, turn.conversation_id, turn.region)
            say(dispatcher, Reply(f"{coach['summary_said']}\n\n{summary.text}", title=coach["summary_title"], documents=(Document("summary.pdf", coach["download_summary"]),)))
        return [end_of_turn(turn)]
