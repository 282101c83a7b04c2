"""Custom actions: read the tracker, call sijbot, dispatch, return events. No medical words."""
