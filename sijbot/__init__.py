"""The SI Joint Assistant: danger screening, answers and coaching about the sacroiliac joint, importable without Rasa."""
