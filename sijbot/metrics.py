"""What is counted for Prometheus: numbers, with labels out of small fixed sets and never a word of anybody.

The turn's code calls the functions below, which are named for what happened. Nothing listens until `serve` is called.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import AbstractContextManager
from time import perf_counter
from types import TracebackType
from typing import Mapping, Optional, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, disable_created_metrics, start_http_server

from sijbot.content.model import LEVELS
from sijbot.settings import Settings, SettingsError

# What became of a message: answered; failed (a sentence that it could not be); refused (no such conversation, bad or too long); shed (too many at once);
# repeated (sent again, and given the replies that stand).
OUTCOMES = ANSWERED, FAILED, REFUSED, SHED, REPEATED = ("answered", "failed", "refused", "shed", "repeated")
CHANNELS = ("web", "telegram", "twilio", "slack")
STAGES = RECEIVE, SCREEN, LOAD, UNDERSTAND, ACT, COMMIT, WHOLE = ("receive", "screen", "load", "understand", "act", "commit", "whole")
FALLBACKS = ("doubt", "declined", "fault")  # asked back; out of scope; it could not answer
UNAVAILABLE, SLOW, TAKEN, OTHER = DATABASE_FAULTS = ("unavailable", "slow", "taken", "other")
# By the name of the exception, since only records/ knows SQLAlchemy. `taken`: a row stands there already.
_FAULT_KINDS = {
    "OperationalError": UNAVAILABLE, "InterfaceError": UNAVAILABLE, "DisconnectionError": UNAVAILABLE, "InternalError": UNAVAILABLE,
    "TimeoutError": SLOW, "CancelledError": SLOW, "IntegrityError": TAKEN,
}  # fmt: skip
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0)  # 0.3 and 1 s are promised, 2.5 s is the deadline of a turn
LAG_LOOKS = 150  # so that the worst of 15 s is shown (sijbot.adapters.limits.LOOK_EVERY_S), which is how often Prometheus asks
HASH_DIGITS = 12  # of a version that are shown
_HASH = re.compile("[0-9a-f]{6,64}")

disable_created_metrics()  # each counter would have a second series, of when it began
REGISTRY = CollectorRegistry()  # of our own: the library's own one holds whatever other libraries put there
ProcessCollector(registry=REGISTRY)

_turns = Counter("sijbot_turns", "Messages, by what became of them.", ("outcome", "channel"), registry=REGISTRY)
_turn_seconds = Histogram("sijbot_turn_seconds", "How long the parts of a turn took, and the whole.", ("stage",), buckets=BUCKETS_S, registry=REGISTRY)
_levels = Counter("sijbot_levels_raised", "Hand-offs, by their level.", ("level",), registry=REGISTRY)
_fallbacks = Counter("sijbot_fallbacks", "Turns that gave no answer, by why.", ("kind",), registry=REGISTRY)
_conflicts = Counter("sijbot_conflicts", "Turns done again, since another process had gone on with the conversation.", registry=REGISTRY)
_at_work = Gauge("sijbot_turns_at_work", "Turns that are being done now.", registry=REGISTRY)
_queued = Gauge("sijbot_outbox_queued", "What waits to be delivered.", registry=REGISTRY)
_failed = Gauge("sijbot_outbox_failed", "What could not be delivered and is not tried again.", registry=REGISTRY)
_oldest = Gauge("sijbot_outbox_oldest_seconds", "Age of the oldest that waits to be delivered; 0 with none.", registry=REGISTRY)
_ready = Gauge("sijbot_ready", "1 where /ready said so when it was asked last, else 0.", registry=REGISTRY)
_database_faults = Counter("sijbot_database_faults", "What the database did not do, by kind.", ("kind",), registry=REGISTRY)
_lag = Gauge("sijbot_loop_lag_seconds", "How late the event loop was, at worst, in the last 15 seconds.", registry=REGISTRY)
_build = Info("sijbot_build", "Which content and which model this process has.", registry=REGISTRY)

_in_use = {"content_version": "", "model": ""}
_latest_lags = deque((0.0,), LAG_LOOKS)

Series = TypeVar("Series", Counter, Histogram)


def _each(metric: Series, values: tuple[str, ...]) -> Mapping[str, Series]:
    """Return the series of a metric with one label, by the label's value: all there from the start, so that a first fault is a rise from 0."""
    return {value: metric.labels(value) for value in values}


_turn_of = {(outcome, channel): _turns.labels(outcome, channel) for outcome in OUTCOMES for channel in CHANNELS}
_seconds_of, _level_of = _each(_turn_seconds, STAGES), _each(_levels, LEVELS)
_fallback_of, _database_fault_of = _each(_fallbacks, FALLBACKS), _each(_database_faults, DATABASE_FAULTS)


def turn(outcome: str, channel: str, seconds: float) -> None:
    """Count one message: what became of it (OUTCOMES), over which channel (CHANNELS), and how long that took in all.

    Raises: ValueError for another outcome or channel.
    """
    _known((outcome, channel), _turn_of, "outcome and channel").inc()
    _seconds_of[WHOLE].observe(seconds)


class stage(AbstractContextManager):
    """`with stage("screen"):` measures a part of a turn (STAGES), also where it raises. Raises: ValueError for another stage."""

    __slots__ = ("_series", "_began")

    def __init__(self, name: str) -> None:
        self._series = _known(name, _seconds_of, "stage")

    def __enter__(self) -> "stage":
        self._began = perf_counter()
        return self

    def __exit__(self, kind: Optional[type], error: Optional[BaseException], traceback: Optional[TracebackType]) -> None:
        self._series.observe(perf_counter() - self._began)


def at_work() -> AbstractContextManager:
    """Return what counts a turn as being done for as long as it is open."""
    return _at_work.track_inprogress()


def level_raised(level: str) -> None:
    """Count a hand-off of this level (sijbot.content.model.LEVELS). Raises: ValueError for another one."""
    _known(level, _level_of, "level").inc()


def fallback(kind: str) -> None:
    """Count a turn that gave no answer (FALLBACKS). Raises: ValueError for another kind."""
    _known(kind, _fallback_of, "kind").inc()


def conflict() -> None:
    """Count a turn that is done again since another process was first."""
    _conflicts.inc()


def outbox(queued: int, failed: int, oldest_seconds: float) -> None:
    """Show the state of the outbox: how many wait, how many were given up, and the age of the oldest that waits."""
    _queued.set(queued)
    _failed.set(failed)
    _oldest.set(oldest_seconds)


def ready(is_ready: bool) -> None:
    """Show what /ready says."""
    _ready.set(is_ready)


def database_fault(error: BaseException) -> None:
    """Count a fault of the database by the kind of its exception, whose words are not looked at."""
    _database_fault_of[_FAULT_KINDS.get(type(error).__name__, OTHER)].inc()


def content_in_use(version: str) -> None:
    """Show which content is in use, by the hexadecimal digits of its version. Raises: ValueError for anything else."""
    _show(content_version=version)


def model_in_use(digest: str) -> None:
    """Show which model is in use, by the hexadecimal digits of its digest. Raises: ValueError for anything else."""
    _show(model=digest)


def _show(**hashes: str) -> None:
    if not all(map(_HASH.fullmatch, hashes.values())):
        raise ValueError("content version and model digest are 6 to 64 hexadecimal digits")
    _in_use.update({name: value[:HASH_DIGITS] for name, value in hashes.items()})
    _build.info(_in_use)


def loop_late(seconds: float) -> None:
    """Show how late the event loop was, of a look at it."""
    _latest_lags.append(seconds)
    _lag.set(max(_latest_lags))


def serve(settings: Settings) -> None:
    """Listen for Prometheus on a port of its own, where SIJBOT_METRICS_PORT names one.

    Raises: SettingsError where the port cannot be used.
    """
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, settings.host, REGISTRY)
    except OSError as error:
        raise SettingsError(f"SIJBOT_METRICS_PORT: port {settings.metrics_port} on {settings.host} cannot be used ({error.strerror})") from None


def names() -> frozenset[str]:
    """Return the name of every series of ours, as Prometheus stores it."""
    return frozenset(sample.name for metric in REGISTRY.collect() if metric.name.startswith("sijbot_") for sample in metric.samples) | {"sijbot_build_info"}


def _known(value: object, series: Mapping, what: str):
    """Return the series of a label's value. A value that is not in the set may be somebody's words: it is not repeated."""
    try:
        return series[value]
    except (KeyError, TypeError):
        raise ValueError(f"{what}: not one of those that metrics.py names") from None
