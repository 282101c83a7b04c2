#!/bin/sh
# What the image is made of, in the folder of the project: packages by their hashes, the trained model, and nothing that only tests need.
set -eu
cd "$(dirname "$0")/.."
make setup
.venv/bin/python -W ignore -m sijbot.cli train
uv=$(command -v uv || echo .uv/bin/uv)
.venv/bin/python deploy/unneeded.py | xargs -r "$uv" pip uninstall --quiet --python .venv/bin/python
.venv/bin/python -W ignore -c "import sijbot.adapters.agent, sijbot.adapters.server, sijbot.documents.render, sijbot.logs, sijbot.metrics"
