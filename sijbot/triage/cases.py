"""How a case that stands beside a red flag comes out."""

from __future__ import annotations

from sijbot.triage.assess import ALARM, ASK, Screen


def case_outcome(screen: Screen, flag_id: str, text: str) -> str:
    """Return fire, ask or none for one flag. A question about the sign is none: nobody is said to have it."""
    outcome = next((finding.outcome for finding in screen(text).findings if finding.flag == flag_id), None)
    return {ALARM: "fire", ASK: "ask"}.get(outcome, "none")
