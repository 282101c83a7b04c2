#!/bin/sh
# What the image is made of, in the folder of the project: packages by their hashes, and the trained model.
set -eu
cd "$(dirname "$0")/.."
make setup
.venv/bin/python -W ignore -m sijbot.cli train
.venv/bin/python -W ignore -c "import sijbot.adapters.agent, sijbot.adapters.server, sijbot.documents.render, sijbot.logs, sijbot.metrics"
