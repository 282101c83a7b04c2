"""Where the core meets Rasa and the web. The only part that imports `rasa`."""
