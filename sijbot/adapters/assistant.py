"""One turn: screen, hand over, then let Rasa answer under a deadline. Every channel comes in here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Sequence, Text

from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.events import UserUttered

from sijbot import clock, metrics
from sijbot.adapters.database import Database
from sijbot.adapters.red_flag_gate import ASSESSMENT, IS_READ
from sijbot.adapters.topic_classifier import UNDERSTOOD, read_ahead
from sijbot.answering import standing_card
from sijbot.content.model import LEVELS
from sijbot.language.encoder import shared_encoder
from sijbot.language.normalise import without_lone_surrogates
from sijbot.records import hand_offs, outbox, turns
from sijbot.records.inbox import Answered
from sijbot.records.repository import finish_erasing, log_assessment, read_lock, write_lock
from sijbot.records.schema import FAULTS as DATABASE_FAULTS
from sijbot.records.schema import URGENCY_LOCK, is_away
from sijbot.regions import worded
from sijbot.replies import CARE_CARD, FAULT, Button, Reply
from sijbot.runtime import Runtime
from sijbot.settings import AMQP
from sijbot.telling import state_reply
from sijbot.triage import Assessment, Screen, hand_off_again, hand_off_message, is_handed_over, replaces_answer
from sijbot.triage.assessment import ALARM, ASK, without_questions
from sijbot.triage.lock import after, highest, standing

logger = logging.getLogger(__name__)

UNDERSTOOD_CHARACTERS = 2000  # what NLU reads of a message; the screen reads all of it
TURN_DEADLINE_S = 2.5  # from the moment that a message is in
READING_DEADLINE_S = 1.2  # of it, for the third layer of the screen; on a slow machine a long message takes longer, and is judged by its words
ENCODING_DEADLINE_S = 0.25  # behind it: what is not encoded by then, the classifier encodes once more, while everybody waits: in a crowd that is half of all messages where this is 0.05; of a long one it would be a third of a second
SHORT_CHARACTERS = 400  # a longer one takes long to read
ERASING_DEADLINE_S = 2.0
NOTING_DEADLINE_S = 0.2  # of what the screen found, where the turn failed
DATABASE_PATIENCE_S, AGAIN_S = 0.8, 0.1  # for how long a turn waits for a database that went away, and how often it looks: a proxy asks another replica after 1.2 s
MOST_TRIES = 4  # of a turn that others of its conversation get ahead of
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
    is_repeated: whether it was answered before. Of a turn that failed nothing stands, as long as a late rest does not end well: its message has to be sent again.
    """

    replies: tuple[Reply, ...]
    assessment: Assessment
    failed: bool
    conversation: Conversation
    late: Optional[Callable[[], Awaitable["Turn"]]] = None
    is_repeated: bool = False


@dataclass
class ReplyCollector(OutputChannel):
    """Collects the replies of one turn; the second copy of a hand-off is dropped by its id."""

    replies: List[Reply] = field(default_factory=list)
    first: Sequence[Reply] = ()

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin anew, with what is said whatever comes of the turn."""
        self.replies = list(self.first)

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


class _Failed(Exception):
    """A turn has no answer. fault: the key of the sentence that stands in its place."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class Assistant:
    """Takes turns. `handle` is Rasa's way in: `Agent.handle_message`, whose tracker store calls the open turn's `conclude`."""

    def __init__(self, runtime: Runtime, handle: Callable[[UserMessage], Awaitable[Any]]) -> None:
        self._runtime = runtime
        self._handle = handle
        self._database = Database(lambda: runtime.engine)
        self._running: set[asyncio.Task] = set()
        # Of its own, since actions that hang must not hold up the screen; and long messages wait for one another only.
        self._short, self._long = ((ThreadPoolExecutor(1, f"{length}-reader"), ThreadPoolExecutor(1, f"{length}-encoder")) for length in ("short", "long"))
        self._rests_until = 0.0  # no message that is not taken is read before
        self._away_since: Optional[float] = None  # since when no turn found the database there; by the clock of the event loop

    async def take_turn(self, conversation: Conversation, text: str, button: Optional[str] = None, channel: str = "web", message_id: Optional[str] = None, said: Optional[str] = None) -> Turn:
        """Return the replies to one message; never none, and never later than the deadline.

        text: any length; all of it is screened, unless a button was pressed. button: the payload that was pressed, already verified by the channel.
        message_id: where it is told, the replies are written down for it; said: what the history says of it, the text where it is not told.
        A hand-off stands first and does not wait for anything: it is there with model, database and actions gone.
        Raises: sijbot.records.turns.Gone where the conversation was erased.
        """
        content, begun = self._runtime.content, asyncio.get_running_loop().time()
        before, conversation = conversation, replace(conversation, region=self._runtime.country(text) or conversation.region)
        with metrics.stage(metrics.SCREEN):
            verdict, words, is_read = await self._screened("" if button else text)  # the title of a button is a sentence of ours
        assessment = verdict
        if verdict.outcome == ASK != words.outcome and len(text) <= UNDERSTOOD_CHARACTERS:
            assessment = without_questions(verdict)  # the gate asks, which knows what was answered before
        card = hand_off_message(content, assessment, conversation.region)
        collector = ReplyCollector(first=(card,) if card and card.level != "soon" else ())
        metadata = {"region": conversation.region, "assessment": assessment.to_dict(), "button": button, IS_READ: is_read}
        message = UserMessage(
            _storable(text[:UNDERSTOOD_CHARACTERS]), collector, conversation.id, input_channel=channel, metadata=metadata,
        )  # fmt: skip
        is_handed_off = replaces_answer(content, assessment)
        deadline = EMERGENCY_DEADLINE_S if is_handed_off else begun + TURN_DEADLINE_S - asyncio.get_running_loop().time()
        opened = turns.OpenTurn(conversation.id, message_id, said=text if said is None else said, button=button)
        work = self._begun(self._done(opened, message, collector, assessment, conversation, before, begun + DATABASE_PATIENCE_S))
        await asyncio.wait({work}, timeout=deadline)
        if work.done() and not isinstance(work.result(), str):
            return work.result()

        def failed(fault: str) -> Turn:
            said = ReplyCollector(first=[reply for reply in collector.replies if reply.kind == CARE_CARD])  # nothing else of it is true: it is not written down
            if assessment is not verdict:
                said.add(hand_off_message(content, verdict, conversation.region))
            return self._turn(said, assessment, fault, conversation)

        if not work.done():
            async def late() -> Turn:
                done = await work
                return done if isinstance(done, Turn) else failed(done)

            return replace(failed("fault"), late=late)
        fault = work.result()
        if fault == "unavailable" and self._runtime.screen.short_answer(text):
            fault = "unavailable_answer"  # it answers a question that cannot be read
        return failed(fault)

    def words_alarm(self, text: str) -> bool:
        """Return whether a message alarms by its words alone, which takes a millisecond."""
        return self._runtime.screen.alarms(text[:UNDERSTOOD_CHARACTERS])

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
            await asyncio.wait_for(asyncio.shield(self._database.run(turns.erase, conversation.id)), ERASING_DEADLINE_S)
        except (*DATABASE_FAULTS, asyncio.TimeoutError) as error:
            logger.error("erasing failed: %s", type(error).__name__)
            return None
        return Conversation.new(conversation.region)

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
        verdict = weighing.result() if weighing.done() else suspicion.found
        if is_handed_over(self._runtime.content, verdict):
            encoding.cancel()  # nobody asks for it
        else:
            await asyncio.wait({encoding}, timeout=max(ENCODING_DEADLINE_S, until - loop.time() if is_long else 0))
        return verdict, suspicion.found, weighing.done()

    def _begun(self, work: Awaitable["Turn | str"]) -> "asyncio.Task[Turn | str]":
        """Return the work as a task that goes on when it is late, so that what was said is still written down."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _done(
        self, opened: turns.OpenTurn, message: UserMessage, collector: ReplyCollector, assessment: Assessment, conversation: Conversation, before: Conversation, until: float,
    ) -> "Turn | str":  # fmt: skip
        """Return the turn, which is written down then; or the key of the sentence that says why there is none, and nothing of it is. until: as of `_handled`."""
        concluded: List[Turn] = []
        since = clock.now()

        def conclude(connection: Any, events: Sequence[Mapping[str, Any]], number: int) -> turns.Ending:
            turn = self._concluded(connection, collector, assessment, conversation, before, since)
            if self._runtime.settings.amqp_url and opened.message_id:
                outbox.put(connection, conversation.id, AMQP, _turn_payload(conversation.id, events, number), clock.now())
            concluded.append(turn)
            answer = Answered([reply.to_dict() for reply in turn.replies], turn.conversation.region, turn.conversation.keep_days)
            return turns.Ending(answer, turn.conversation.id if turn.conversation.id != conversation.id else None)

        opened.conclude, fault = conclude, "fault"
        try:
            await self._handled(opened, message, collector, concluded, until)
            if concluded:
                await self._settled(concluded[-1], conversation)
                return concluded[-1]
        except turns.Gone:
            raise
        except turns.Done as done:
            return turn_of(done.answer, conversation)
        except _Failed as failed:
            fault = failed.fault
        except DATABASE_FAULTS as error:
            metrics.database_fault(error)
            logger.error("turn failed, the database does not answer: %s", type(error).__name__)
            return "not_erased" if any(reply.erases for reply in collector.replies) else "unavailable"
        except (Exception, SystemExit) as error:  # Rasa ends the process on some errors
            logger.error("turn failed: %s", type(error).__name__)
        standing_after_all = await self._noted(opened, assessment)
        return turn_of(standing_after_all, conversation) if standing_after_all else fault

    async def _handled(self, opened: turns.OpenTurn, message: UserMessage, collector: ReplyCollector, concluded: List[Turn], until: float) -> None:
        """Let Rasa take the turn, which puts it into `concluded`: anew where another one of its conversation got ahead of it, and where the database went away a moment ago.

        until: when it is too late to wait for the database, by the clock of the event loop. Raises: what Rasa and the turn's end raise.
        """
        conflicts = 0
        while conflicts < MOST_TRIES:
            collector.begin()
            concluded.clear()
            opened.begin()
            try:
                with turns.opened(opened):
                    await self._handle(message)
                self._away_since = None
                return
            except turns.Conflict:
                metrics.conflict()
                conflicts += 1
            except (_Failed, *DATABASE_FAULTS) as failed:
                if not (opened.is_database_away or is_away(failed)) or not self._may_come_back(until):
                    raise
                metrics.database_fault(failed)
                await asyncio.sleep(AGAIN_S)

    def _may_come_back(self, until: float) -> bool:
        """Return whether to wait for the database, which does not answer: one that is restarted is there again after a moment; for one that is away for longer nobody waits."""
        now = asyncio.get_running_loop().time()
        self._away_since = now if self._away_since is None else self._away_since
        return now < min(until, self._away_since + DATABASE_PATIENCE_S)

    async def _settled(self, turn: Turn, conversation: Conversation) -> None:
        """What is left to do behind a turn that is written down."""
        if turn.conversation.id != conversation.id:
            await self._database.run(finish_erasing)

    async def _noted(self, turn: turns.OpenTurn, assessment: Assessment) -> Optional[Answered]:
        """Write down what was found in a message whose turn failed: it stands, whatever failed, and nothing that stood is lifted by it. Return the answer, where the turn was written down before it failed."""
        version = self._runtime.content.version

        def note(connection: Any) -> None:
            now, before = clock.now(), read_lock(connection, turn.conversation_id)
            turns.replay_only(connection, turn.writes, URGENCY_LOCK)
            lock = highest(after(before, assessment, now) if assessment.outcome == ALARM else before, read_lock(connection, turn.conversation_id))
            write_lock(connection, turn.conversation_id, lock)
            if assessment.outcome == ALARM:
                log_assessment(connection, turn.conversation_id, assessment, version, now, message_id=turn.message_id)

        try:
            return await asyncio.wait_for(asyncio.shield(self._database.run(turns.fail, turn.conversation_id, turn.message_id, note)), NOTING_DEADLINE_S)
        except (*DATABASE_FAULTS, asyncio.TimeoutError, turns.Gone) as error:
            logger.error("a failed turn is not written down: %s", type(error).__name__)
            return None

    def _concluded(
        self, connection: Any, collector: ReplyCollector, assessment: Assessment, conversation: Conversation, before: Conversation, since: datetime,
    ) -> Turn:  # fmt: skip
        """Return what the turn comes to, with what its replies ask of the channel.

        connection: of the transaction that ends the turn; since: when it began. Raises: _Failed where there is no answer.
        """
        turn = self._turn(collector, assessment, None, conversation)
        if turn.failed:
            raise _Failed("not_erased" if any(reply.erases for reply in turn.replies) else "fault")
        if any(reply.erases for reply in turn.replies):
            return replace(turn, conversation=Conversation.new(conversation.region))
        turn = self._with_news(connection, self._in_one_line(connection, collector, turn, since))
        if any(reply.keeps for reply in turn.replies):
            return replace(turn, conversation=replace(conversation, keep_days=self._runtime.settings.keep_days))
        return turn if conversation == before else self._in_the_new_country(connection, turn)

    def _in_one_line(self, connection: Any, collector: ReplyCollector, turn: Turn, since: datetime) -> Turn:
        """Return the turn with one line in the place of a hand-off whose whole card the conversation had before; whichever process showed it."""
        for card in collector.first:
            if turn.assessment.outcome == ALARM and hand_offs.was_shown(connection, turn.conversation.id, card.id, since):
                line = hand_off_again(self._runtime.content, turn.assessment, turn.conversation.region)
                return replace(turn, replies=tuple(line if reply.id == card.id else reply for reply in turn.replies))
        return turn

    def _with_news(self, connection: Any, turn: Turn) -> Turn:
        """Return the turn with what became of a hand-off that the person had passed on to a clinic, once; behind the cards, since nobody reads the end of an answer for that."""
        news = hand_offs.take_news(connection, turn.conversation.id) if self._runtime.settings.hand_off_sink else []
        if not news:
            return turn
        lock = standing(read_lock(connection, turn.conversation.id), clock.now())
        told = [state_reply(self._runtime.content, each, lock, turn.conversation.region) for each in news]
        cards = [reply for reply in turn.replies if reply.kind == CARE_CARD]
        return replace(turn, replies=(*cards, *told, *turn.replies[len(cards) :]))

    def _in_the_new_country(self, connection: Any, turn: Turn) -> Turn:
        """Return the turn of somebody who says to be somewhere else, with what that changes: the hand-off that stands, if any, with the numbers of there, and a line that says so."""
        content, region = self._runtime.content, turn.conversation.region
        noted = Reply(worded(content, "place_noted", region))
        if any(reply.kind == CARE_CARD for reply in turn.replies):
            return replace(turn, replies=(*turn.replies, noted))
        lock = standing(read_lock(connection, turn.conversation.id), clock.now())
        cards = (standing_card(content, lock, region),) if lock and lock.level != "soon" else ()
        return replace(turn, replies=(*cards, noted, *turn.replies))

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


def _turn_payload(conversation_id: str, events: Sequence[Mapping[str, Any]], number: int) -> Dict[str, Any]:
    """Return what a broker is told of a turn: what its message was taken for. number: of its last event."""
    parsed = next((event["parse_data"] for event in reversed(events) if event["event"] == UserUttered.type_name), {})
    assessment = Assessment.from_dict(parsed[ASSESSMENT]) if ASSESSMENT in parsed else Assessment()
    outcome = assessment.outcome if assessment.outcome in (ALARM, ASK) else parsed.get(UNDERSTOOD, {}).get("outcome", assessment.outcome)
    flags = [finding.flag for finding in assessment.distinct if finding.outcome == ALARM]
    return outbox.turn_payload(outbox.new_id(), conversation_id, number, clock.now(), assessment.level if assessment.outcome == ALARM else None, outcome, flags)


def turn_of(answer: Answered, conversation: Conversation) -> Turn:
    """Return the turn of a message that was answered before."""
    same = replace(conversation, region=answer.region, keep_days=answer.keep_days)
    return Turn(tuple(map(Reply.from_dict, answer.replies)), Assessment(), False, same, is_repeated=True)


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
