"""Runs custom actions inside the server process: on worker threads, under a deadline, with a fault reply for whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import Any, Dict, Optional, Text

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

from sijbot import metrics
from sijbot.adapters.rasa_costs import CheckedResult, is_action_result
from sijbot.records import turns
from sijbot.records.schema import is_away
from sijbot.replies import FAULT, Reply

logger = logging.getLogger(__name__)

ACTION_DEADLINE_S = 1.0
_RUNNING_AT_MOST = 32  # an action stuck in a blocking call keeps its thread until that call ends


class LocalActions(EndpointConfig):
    """An action endpoint without a network."""

    def __init__(self, executor: ActionExecutor, deadline_s: float = ACTION_DEADLINE_S) -> None:
        super().__init__(url="local", enable_selective_domain=True)
        self._executor = executor
        self._deadline_s = deadline_s
        self._places = threading.BoundedSemaphore(_RUNNING_AT_MOST)

    async def request(self, json: Optional[Dict[Text, Any]] = None, **kwargs: Any) -> Dict[Text, Any]:
        """Return what the action named in `json` returns; a fault reply where it raises, takes too long or returns nonsense."""
        action, turn = json["next_action"], turns.current()
        part = turn and turn.part()
        try:
            with metrics.stage(metrics.ACT):
                result = await asyncio.wait_for(asyncio.wrap_future(self._started(json, part)), self._deadline_s)
        except Exception as error:  # whatever an action does, the person gets a sentence
            logger.error("action %s failed: %s", action, type(error).__name__)
            if turn and is_away(error):
                turn.is_database_away = True  # Rasa is told of no exception, and goes on
            return fault_result()
        if not is_action_result(result):
            logger.error("action %s returned something that is no action result", action)
            return fault_result()
        if turn:
            turn.take(part)
        return CheckedResult(result)

    def _started(self, call: Dict[Text, Any], turn: Optional[turns.OpenTurn]) -> Future:
        """Start the action on a daemon thread, which neither a stuck action nor the end of the process waits for.

        Raises: RuntimeError where too many actions are stuck.
        """
        if not self._places.acquire(blocking=False):
            raise RuntimeError("too many actions are running")
        future: Future = Future()
        future.set_running_or_notify_cancel()  # so that a deadline leaves it alone, and the thread can still put its result in

        def work() -> None:
            try:
                with turns.opened(turn):
                    future.set_result(self._run(call))
            except BaseException as error:
                future.set_exception(error)
            finally:
                self._places.release()

        threading.Thread(target=work, name=f"action {call['next_action']}", daemon=True).start()
        return future

    def _run(self, call: Dict[Text, Any]) -> Any:
        async def bounded() -> Any:
            return await asyncio.wait_for(self._executor.run(call), self._deadline_s)

        return asyncio.run(bounded())


def fault_result() -> Dict[Text, Any]:
    """Return an action result that makes the channel say its fault sentence."""
    return {"events": [], "responses": [{"text": FAULT, "reply": Reply(FAULT, kind=FAULT).to_dict()}]}


def load_actions() -> ActionExecutor:
    """Return an executor that knows every action of the folder `actions/`."""
    logging.getLogger("rasa_sdk.executor").setLevel(logging.WARNING)
    executor = ActionExecutor()
    executor.register_package("actions")
    return executor
