"""Loads Rasa's agent our way: in-process actions, our tracker store, no fail-safe wrapper that forgets conversations."""

from __future__ import annotations

from typing import Optional

from rasa.core.agent import Agent
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig
from threadpoolctl import threadpool_limits

from sijbot.adapters import rasa_costs
from sijbot.adapters.database import Database
from sijbot.adapters.event_store import EventStore
from sijbot.adapters.local_actions import LocalActions, load_actions
from sijbot.adapters.locks import ConversationLocks
from sijbot.adapters.training import is_whole
from sijbot.runtime import Runtime, settle_memory


class ModelError(Exception):
    """The trained model cannot be loaded; the message says where it is and what to do."""


class CandidAgent(Agent):
    """Keeps the tracker store bare: Rasa's wrapper answers a database fault with an empty history, which would forget a danger sign."""

    @staticmethod
    def _create_tracker_store(store: Optional[TrackerStore], domain: Domain) -> TrackerStore:
        store.domain = domain
        return store


def load_agent(runtime: Runtime) -> CandidAgent:
    """Return the agent with the trained model, which keeps conversations where the runtime's engine says at each moment.

    Raises: ModelError.
    """
    rasa_costs.apply()
    threadpool_limits(1, "blas")  # its other threads spin for 15 ms after each product of ours, which takes a fraction of one: half the processor time of a turn
    url = runtime.settings.action_endpoint_url
    actions = EndpointConfig(url, enable_selective_domain=True) if url else LocalActions(load_actions())
    store, locks = EventStore(database=Database(lambda: runtime.engine)), ConversationLocks(engine=lambda: runtime.engine)
    path = runtime.settings.model
    if not path.is_file():
        raise ModelError(f"{path}: there is no trained model; run `sijbot train`")
    if not is_whole(runtime.settings):
        raise ModelError(f"{path}: the model is not as it was trained; run `sijbot train --force`")
    try:
        agent = CandidAgent(tracker_store=store, lock_store=locks, action_endpoint=actions)  # Agent.load would make a plain Agent
        agent.load_model(str(path))
    except Exception as error:
        raise ModelError(f"{path}: the model cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0]}); run `sijbot train`") from error
    settle_memory()
    return agent
