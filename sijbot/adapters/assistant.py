"""One turn: screen, hand over, then let Rasa answer under a deadline. Every channel comes in here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Awaitable, Callable, Dict, List, Optional, Text

from rasa.core.channels.channel import OutputChannel, UserMessage

from sijbot.adapters.topic_classifier import read_ahead
from sijbot.content.model import LEVELS
from sijbot.language.encoder import shared_encoder
from sijbot.language.normalise import without_lone_surrogates
from sijbot.records.repository import erase
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.regions import worded
from sijbot.replies import CARE_CARD, FAULT, Button, Reply
from sijbot.runtime import Runtime
from sijbot.triage import Assessment, Screen, hand_off_again, hand_off_message, replaces_answer
from sijbot.triage.assessment import ALARM, ASK, without_questions

logger = logging.getLogger(__name__)

UNDERSTOOD_CHARACTERS = 2000  # what NLU reads of a message; the screen reads all of it
TURN_DEADLINE_S = 2.5  # from the moment that a message is in
READING_DEADLINE_S = 1.2  # of it, for the third layer of the screen; on a slow machine a long message takes longer, and is judged by its words
ENCODING_DEADLINE_S = 0.05  # behind it: what is not encoded by then, the classifier encodes
_CONVERSATIONS_REMEMBERED = 2000
EMERGENCY_DEADLINE_S = 0.3  # how long the rest of a turn may hold up an emergency text


@dataclass(frozen=True)
class Conversation:
    """Who is speaking: an id that the server made, the country for telephone numbers, and for how many days the person agreed to be remembered (0: no longer than a token)."""

    id: str
    region: str = "unknown"
    keep_days: int = 0

    @classmethod
    def new(cls, region: str = "unknown") -> "Conversation":
        return cls(secrets.token_urlsafe(24), region)


@dataclass(frozen=True)
class Turn:
    """What came of one message. `failed` says that the answer could not be made and a fault sentence stands in its place.

    conversation: the same one, with the country that the person says to be in now, and what was agreed on keeping; a new one where the person had everything erased.
    late: where the work was too late, what waits for it and returns the turn that comes of it.
    """

    replies: tuple[Reply, ...]
    assessment: Assessment
    failed: bool
    conversation: Conversation
    late: Optional[Callable[[], Awaitable["Turn"]]] = None


@dataclass
class ReplyCollector(OutputChannel):
    """Collects the replies of one turn; the second copy of a hand-off is dropped by its id."""

    replies: List[Reply] = field(default_factory=list)

    @classmethod
    def name(cls) -> Text:
        return "web"

    def add(self, reply: Reply) -> None:
        if reply.id is None or reply.id not in {known.id for known in self.replies}:
            self.replies.append(reply)

    async def send_response(self, recipient_id: Text, message: Dict[Text, Any]) -> None:
        """Take a reply of ours, or a plain response of the domain."""
        if message.get("reply"):
            self.add(Reply.from_dict(message["reply"]))
        elif message.get("text"):
            self.add(Reply(message["text"]))


class Assistant:
    """Takes turns. `handle` is Rasa's way in: `Agent.handle_message`."""

    def __init__(self, runtime: Runtime, handle: Callable[[UserMessage], Awaitable[Any]]) -> None:
        self._runtime = runtime
        self._handle = handle
        self._running: set[asyncio.Task] = set()
        self._readers = ThreadPoolExecutor(1, "reader")  # of its own: actions that hang must not hold up the screen
        self._encoders = ThreadPoolExecutor(1, "encoder")
        self._shown: OrderedDict[str, set[str]] = OrderedDict()  # ids of the hand-offs shown, by conversation

    async def take_turn(self, conversation: Conversation, text: str, button: Optional[str] = None, channel: str = "web") -> Turn:
        """Return the replies to one message; never none, and never later than the deadline.

        text: any length; all of it is screened, unless a button was pressed. button: the payload that was pressed, already verified by the channel.
        A hand-off stands first and does not wait for anything: it is there with model, database and actions gone.
        """
        content, begun = self._runtime.content, asyncio.get_running_loop().time()
        conversation = replace(conversation, region=self._runtime.country(text) or conversation.region)
        verdict, words = await self._screened("" if button else text)  # the title of a button is a sentence of ours
        assessment = verdict
        if verdict.outcome == ASK != words.outcome and len(text) <= UNDERSTOOD_CHARACTERS:
            assessment = without_questions(verdict)  # the gate asks, which knows what was answered before
        collector = ReplyCollector()
        card = self._card(assessment, conversation)
        if card and card.level != "soon":
            collector.add(card)
        metadata = {"region": conversation.region, "assessment": assessment.to_dict(), "button": button}
        message = UserMessage(
            _storable(text[:UNDERSTOOD_CHARACTERS]), collector, conversation.id, input_channel=channel, metadata=metadata,
        )  # fmt: skip
        is_handed_off = replaces_answer(content, assessment)
        deadline = EMERGENCY_DEADLINE_S if is_handed_off else begun + TURN_DEADLINE_S - asyncio.get_running_loop().time()
        work = self._begun(self._handle_safely(message))
        await asyncio.wait({work}, timeout=deadline)
        is_late = not work.done()
        fault = "fault" if is_late else work.result()
        if fault and assessment is not verdict:
            collector.add(self._card(verdict, conversation))
        if fault == "unavailable" and self._runtime.screen.short_answer(text):
            fault = "unavailable_answer"  # it answers a question that cannot be read
        turn = await self._concluded(collector, assessment, fault, conversation)
        if not is_late:
            return turn

        async def late() -> Turn:
            return await self._concluded(collector, assessment, await work, conversation)

        return replace(turn, late=late)

    async def _concluded(self, collector: ReplyCollector, assessment: Assessment, fault: Optional[str], conversation: Conversation) -> Turn:
        """Return the turn with what its replies ask of the channel."""
        turn = self._turn(collector, assessment, fault, conversation)
        if fault is None and any(reply.erases for reply in turn.replies):
            return await self._erased(turn)
        if any(reply.keeps for reply in turn.replies):
            return replace(turn, conversation=replace(conversation, keep_days=self._runtime.settings.keep_days))
        return turn

    async def _erased(self, turn: Turn) -> Turn:
        """Erase the conversation, now that all of the turn is written down, and go on in a new one; say so where it did not work."""
        self._shown.pop(turn.conversation.id, None)
        try:
            await asyncio.to_thread(erase, self._runtime.engine, turn.conversation.id)
        except DATABASE_FAULTS as error:
            logger.error("erasing failed: %s", type(error).__name__)
            fault = Reply(worded(self._runtime.content, "unavailable", turn.conversation.region), kind=FAULT)
            return replace(turn, replies=(fault,), failed=True)
        return replace(turn, conversation=Conversation.new(turn.conversation.region))

    async def _screened(self, text: str) -> tuple[Assessment, Assessment]:
        """Return the screen's verdict, and what the words alone say; the same where reading the meaning takes too long.

        What is certain by its words does not wait, and a long message holds up nobody else's turn.
        """
        screen = self._runtime.screen
        suspicion = screen.suspicion(text)
        if suspicion.is_settled:
            return suspicion.found, suspicion.found
        loop = asyncio.get_running_loop()
        weighing = loop.run_in_executor(self._readers, screen.weigh, suspicion, text)
        encoding = loop.run_in_executor(self._encoders, _encode_ahead, screen, text[:UNDERSTOOD_CHARACTERS])
        await asyncio.wait({weighing}, timeout=READING_DEADLINE_S)
        await asyncio.wait({encoding}, timeout=ENCODING_DEADLINE_S)
        return weighing.result() if weighing.done() else suspicion.found, suspicion.found

    def _card(self, assessment: Assessment, conversation: Conversation) -> Optional[Reply]:
        """Return the hand-off; in one line where this process has shown the whole of it in this conversation already."""
        card = hand_off_message(self._runtime.content, assessment, conversation.region)
        if card is None or assessment.outcome != ALARM:
            return card
        shown = self._shown.setdefault(conversation.id, set())
        self._shown.move_to_end(conversation.id)
        if len(self._shown) > _CONVERSATIONS_REMEMBERED:
            self._shown.popitem(last=False)
        if card.id in shown:
            return hand_off_again(self._runtime.content, assessment, conversation.region)
        shown.add(card.id)
        return card

    def _begun(self, work: Awaitable[Optional[str]]) -> "asyncio.Task[Optional[str]]":
        """Return the work as a task that goes on when it is late, so that what was said is still written down."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _handle_safely(self, message: UserMessage) -> Optional[str]:
        try:
            await self._handle(message)
            return None
        except DATABASE_FAULTS as error:
            logger.error("turn failed, the database does not answer: %s", type(error).__name__)
            return "unavailable"
        except (Exception, SystemExit) as error:  # Rasa ends the process on some errors
            logger.error("turn failed: %s", type(error).__name__)
            return "fault"

    def _turn(self, collector: ReplyCollector, assessment: Assessment, fault: Optional[str], conversation: Conversation) -> Turn:
        said = [reply for reply in collector.replies if reply.kind != FAULT]
        cards = sorted((reply for reply in said if reply.kind == CARE_CARD), key=lambda reply: LEVELS.index(reply.level))
        replies = cards + [reply for reply in said if reply.kind != CARE_CARD]
        if fault is None and (len(said) < len(collector.replies) or not replies):
            fault = "fault"
        has_answer = len(replies) > len(cards) or any(card.level == "emergency" for card in cards)
        if fault and not has_answer:
            replies.append(Reply(worded(self._runtime.content, fault, conversation.region), kind=FAULT))
        return Turn(tuple(replies), assessment, fault is not None, conversation)


def _encode_ahead(screen: Screen, text: str) -> None:
    """Encode what the classifier will ask for, beside the reading: it then stands in the encoder's memory."""
    try:
        if any(map(str.isalpha, text)):
            for part in read_ahead(screen.respelt(text)):
                shared_encoder().encode(part)
    except Exception as error:  # whatever an inference engine raises: the classifier meets it again, in its turn
        logger.error("encoding ahead failed: %s", type(error).__name__)


def _storable(text: str) -> str:
    """Return the text without what no database takes: lone surrogates and NUL."""
    return without_lone_surrogates(text).replace("\0", " ")


def with_links(reply: Reply, link: Callable[[str], str]) -> Reply:
    """Return the reply with an address for every file that it offers."""
    return replace(reply, documents=tuple(replace(document, url=link(document.name)) for document in reply.documents))


def greeting(runtime: Runtime, region: str) -> Reply:
    """Return the first words of a conversation: what this is and is not."""
    return Reply(worded(runtime.content, "greeting", region))


def with_signed_buttons(reply: Reply, sign: Callable[[str], str]) -> Reply:
    """Return the reply with every button's payload replaced by its signed form."""
    return replace(reply, buttons=tuple(Button(button.title, sign(button.payload)) for button in reply.buttons))
