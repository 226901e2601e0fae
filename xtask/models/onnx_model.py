"""A BERT of Hugging Face's files as an ONNX model with mean pooling, for ONNX Runtime."""

import json
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


class Graph:
    """Nodes and constants in the making."""

    def __init__(self, weights: dict):
        self.weights = weights
        self.nodes = []
        self.constants = {}

    def constant(self, value, kind=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.array(value, dtype=kind), name)
        return name

    def weight(self, name: str, transposed: bool = False) -> str:
        if name not in self.constants:
            value = self.weights[name].astype(np.float32)
            value = np.ascontiguousarray(value.T) if transposed else value
            self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def node(self, kind: str, *inputs: str, out: str | None = None, **attributes) -> str:
        out = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def linear(self, name: str, x: str) -> str:
        product = self.node("MatMul", x, self.weight(name + ".weight", transposed=True))
        return self.node("Add", product, self.weight(name + ".bias"))

    def norm(self, name: str, x: str, epsilon: float) -> str:
        scale, bias = self.weight(name + ".weight"), self.weight(name + ".bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)


def build(folder: pathlib.Path) -> bytes:
    """The model: `ids` and `mask`, a row a text, to `embeddings`."""
    config = json.loads((folder / "config.json").read_text())
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    epsilon = max(config["layer_norm_eps"], 1e-12)
    graph = Graph(load_file(folder / "model.safetensors"))
    whole = lambda value: graph.constant(value, np.int64)

    table = lambda kind: graph.weight(f"embeddings.{kind}_embeddings.weight")
    length = graph.node("Shape", "ids", start=1, end=2)
    positions = graph.node("Slice", table("position"), whole([0]), length, whole([0]))
    x = graph.node("Add", graph.node("Gather", table("word"), "ids"), positions)
    first = graph.node("Gather", table("token_type"), whole(0))
    x = graph.norm("embeddings.LayerNorm", graph.node("Add", x, first), epsilon)

    mask = graph.node("Cast", "mask", to=TensorProto.FLOAT)
    hide = graph.node("Mul", graph.node("Sub", graph.constant(1), mask), graph.constant(-1e9))
    hide = graph.node("Unsqueeze", hide, whole([1, 2]))
    split, join = whole([0, 0, heads, hidden // heads]), whole([0, 0, hidden])
    scale = graph.constant((hidden // heads) ** -0.5)
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}."

        def part(name: str, order: list[int]) -> str:
            rows = graph.linear(f"{layer}attention.self.{name}", x)
            return graph.node("Transpose", graph.node("Reshape", rows, split), perm=order)

        query, key, value = part("query", [0, 2, 1, 3]), part("key", [0, 2, 3, 1]), part("value", [0, 2, 1, 3])
        scores = graph.node("Mul", graph.node("MatMul", query, key), scale)
        shares = graph.node("Softmax", graph.node("Add", scores, hide), axis=-1)
        attended = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
        output = graph.linear(layer + "attention.output.dense", graph.node("Reshape", attended, join))
        x = graph.norm(layer + "attention.output.LayerNorm", graph.node("Add", x, output), epsilon)
        inner = graph.node("Gelu", graph.linear(layer + "intermediate.dense", x))
        output = graph.linear(layer + "output.dense", inner)
        x = graph.norm(layer + "output.LayerNorm", graph.node("Add", x, output), epsilon)

    tokens = graph.node("Unsqueeze", mask, whole([2]))
    total = graph.node("ReduceSum", graph.node("Mul", x, tokens), whole([1]), keepdims=0)
    count = graph.node("ReduceSum", tokens, whole([1]), keepdims=0)
    mean = graph.node("Div", total, count)
    graph.node("LpNormalization", mean, out="embeddings", axis=-1, p=2)

    rows = lambda name, kind, sides: helper.make_tensor_value_info(name, kind, sides)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "bert",
            [rows("ids", TensorProto.INT64, ["texts", "tokens"]), rows("mask", TensorProto.INT64, ["texts", "tokens"])],
            [rows("embeddings", TensorProto.FLOAT, ["texts", hidden])],
            list(graph.constants.values()),
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=9,
    )
    return model.SerializeToString()
