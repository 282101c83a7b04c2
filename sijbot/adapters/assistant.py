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

from sijbot import clock
from sijbot.adapters.red_flag_gate import IS_READ
from sijbot.adapters.topic_classifier import read_ahead
from sijbot.answering import standing_card
from sijbot.content.model import LEVELS
from sijbot.language.encoder import shared_encoder
from sijbot.language.normalise import without_lone_surrogates
from sijbot.records.repository import erase, read_lock
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.regions import worded
from sijbot.replies import CARE_CARD, FAULT, Button, Reply
from sijbot.runtime import Runtime
from sijbot.triage import Assessment, Screen, hand_off_again, hand_off_message, replaces_answer
from sijbot.triage.assessment import ALARM, ASK, without_questions
from sijbot.triage.lock import Lock, standing

logger = logging.getLogger(__name__)

UNDERSTOOD_CHARACTERS = 2000  # what NLU reads of a message; the screen reads all of it
TURN_DEADLINE_S = 2.5  # from the moment that a message is in
READING_DEADLINE_S = 1.2  # of it, for the third layer of the screen; on a slow machine a long message takes longer, and is judged by its words
ENCODING_DEADLINE_S = 0.05  # behind it: what is not encoded by then, the classifier encodes, while everybody waits; of a long message that would be a third of a second
SHORT_CHARACTERS = 400  # a longer one takes long to read
_CONVERSATIONS_REMEMBERED = 2000
ERASING_DEADLINE_S = 2.0
STANDING_DEADLINE_S = 0.2  # for what stands, where the country changes
REFUSED_DEADLINE_S = 0.3  # for the screen of a message that is not taken
REST = 1.0  # times as long as the screen of such a message took, before that of the next one: with 0, people wait for seconds during a flood of long messages
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
        # Of its own, since actions that hang must not hold up the screen; and long messages wait for one another only.
        self._short, self._long = ((ThreadPoolExecutor(1, f"{length}-reader"), ThreadPoolExecutor(1, f"{length}-encoder")) for length in ("short", "long"))
        self._rests_until = 0.0  # no message that is not taken is read before
        self._shown: OrderedDict[str, set[str]] = OrderedDict()  # ids of the hand-offs shown, by conversation

    async def take_turn(self, conversation: Conversation, text: str, button: Optional[str] = None, channel: str = "web") -> Turn:
        """Return the replies to one message; never none, and never later than the deadline.

        text: any length; all of it is screened, unless a button was pressed. button: the payload that was pressed, already verified by the channel.
        A hand-off stands first and does not wait for anything: it is there with model, database and actions gone.
        """
        content, begun = self._runtime.content, asyncio.get_running_loop().time()
        before, conversation = conversation, replace(conversation, region=self._runtime.country(text) or conversation.region)
        verdict, words, is_read = await self._screened("" if button else text)  # the title of a button is a sentence of ours
        assessment = verdict
        if verdict.outcome == ASK != words.outcome and len(text) <= UNDERSTOOD_CHARACTERS:
            assessment = without_questions(verdict)  # the gate asks, which knows what was answered before
        collector = ReplyCollector()
        card = self._card(assessment, conversation)
        if card and card.level != "soon":
            collector.add(card)
        metadata = {"region": conversation.region, "assessment": assessment.to_dict(), "button": button, IS_READ: is_read}
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
            return turn if conversation == before else await self._in_the_new_country(turn)

        async def late() -> Turn:
            return await self._concluded(collector, assessment, await work, conversation)

        return replace(turn, late=late)

    async def hand_off_beside(self, conversation: Conversation, text: str) -> Optional[Reply]:
        """Return the hand-off for a message that is not taken, where the words at its beginning alarm, or None. Nothing of it is written down.

        None too where many such messages come at once: reading them takes a part of the time at most, the rest is for the turns of others.
        """
        now_s = asyncio.get_running_loop().time
        until = now_s() + REFUSED_DEADLINE_S
        while now_s() < self._rests_until:
            if now_s() > until:
                return None
            await asyncio.sleep(self._rests_until - now_s())
        began = now_s()
        found = self._runtime.screen(text[:UNDERSTOOD_CHARACTERS])
        self._rests_until = now_s() + REST * (now_s() - began)
        region = self._runtime.country(text) or conversation.region
        return hand_off_message(self._runtime.content, found, region) if found.outcome == ALARM else None

    async def erase(self, conversation: Conversation) -> Optional[Conversation]:
        """Erase everything of the conversation and return the new one in its place, or None where the database fails or is too slow."""
        try:
            await asyncio.wait_for(asyncio.to_thread(erase, self._runtime.engine, conversation.id), ERASING_DEADLINE_S)
        except (*DATABASE_FAULTS, asyncio.TimeoutError) as error:
            logger.error("erasing failed: %s", type(error).__name__)
            return None
        self._shown.pop(conversation.id, None)
        return Conversation.new(conversation.region)

    async def _concluded(self, collector: ReplyCollector, assessment: Assessment, fault: Optional[str], conversation: Conversation) -> Turn:
        """Return the turn with what its replies ask of the channel."""
        turn = self._turn(collector, assessment, fault, conversation)
        if any(reply.erases for reply in turn.replies):
            return await self._erased(turn)
        if any(reply.keeps for reply in turn.replies):
            return replace(turn, conversation=replace(conversation, keep_days=self._runtime.settings.keep_days))
        return turn

    async def _in_the_new_country(self, turn: Turn) -> Turn:
        """Return the turn of somebody who says to be somewhere else, with what that changes: the hand-off that stands, if any, with the numbers of there, and a line that says so."""
        content, region = self._runtime.content, turn.conversation.region
        noted = Reply(worded(content, "place_noted", region))
        if any(reply.kind == CARE_CARD for reply in turn.replies):
            return replace(turn, replies=(*turn.replies, noted))
        lock = await self._standing(turn.conversation.id)
        cards = (standing_card(content, lock, region),) if lock and lock.level != "soon" else ()
        return replace(turn, replies=(*cards, noted, *turn.replies))

    async def _standing(self, conversation_id: str) -> Optional[Lock]:
        """Return the level that stands, or None where none does or the database fails or is too slow: it stands all the same."""

        def read() -> Optional[Lock]:
            with self._runtime.engine.connect() as connection:
                return standing(read_lock(connection, conversation_id), clock.now())

        try:
            return await asyncio.wait_for(asyncio.to_thread(read), STANDING_DEADLINE_S)
        except (*DATABASE_FAULTS, asyncio.TimeoutError) as error:
            logger.error("what stands cannot be read: %s", type(error).__name__)
            return None

    async def _erased(self, turn: Turn) -> Turn:
        """Erase the conversation, now that all of the turn is written down, and go on in a new one; say so where either did not work."""
        conversation = None if turn.failed else await self.erase(turn.conversation)
        if conversation is None:
            fault = Reply(worded(self._runtime.content, "not_erased", turn.conversation.region), kind=FAULT)
            return replace(turn, replies=(fault,), failed=True)
        return replace(turn, conversation=conversation)

    async def _screened(self, text: str) -> tuple[Assessment, Assessment, bool]:
        """Return the screen's verdict, what the words alone say, and whether the meaning was read: where that takes too long, the words are the verdict.

        What is certain by its words does not wait, and a long message holds up nobody else's turn.
        """
        screen = self._runtime.screen
        suspicion = screen.suspicion(text)
        if suspicion.is_settled:
            return suspicion.found, suspicion.found, True
        loop = asyncio.get_running_loop()
        until, is_long = loop.time() + READING_DEADLINE_S, len(text) > SHORT_CHARACTERS
        readers, encoders = self._long if is_long else self._short
        weighing = loop.run_in_executor(readers, screen.weigh, suspicion, text)
        encoding = loop.run_in_executor(encoders, _encode_ahead, screen, text[:UNDERSTOOD_CHARACTERS])
        await asyncio.wait({weighing}, timeout=READING_DEADLINE_S)
        await asyncio.wait({encoding}, timeout=max(ENCODING_DEADLINE_S, until - loop.time() if is_long else 0))
        return weighing.result() if weighing.done() else suspicion.found, suspicion.found, weighing.done()

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
