"""A thin helper to write ONNX graphs node by node: names are made up here, weights become initializers."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

OPSET: Final = 17
IR_VERSION: Final = 8

Attribute = int | float | str | list[int] | list[float] | list[str]
Dimension = int | str
"""A size, or the name of one that may differ from call to call."""


class GraphWriter:
    """Collects nodes and initializers; every method returns the name of a value."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """An initializer; equal ones are kept once."""
        array = np.ascontiguousarray(np.asarray(value, dtype))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"weights{len(self._initializers)}"
            self._initializers.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def node(self, kind: str, *inputs: str, **attributes: Attribute) -> str:
        """A node with one output; attributes as ONNX names them."""
        output = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def integers(self, *values: int) -> str:
        """A one-dimensional int64 initializer."""
        return self.constant(values, np.int64)

    def save(
        self, path: Path, source: tuple[str, list[Dimension]], target: tuple[str, list[Dimension]], value: str
    ) -> None:
        """Write the graph with one float32 input and one float32 output (`value`), each a name and a shape."""
        self._nodes.append(helper.make_node("Identity", [value], [target[0]], name=target[0]))
        graph = helper.make_graph(
            self._nodes,
            self.name,
            [helper.make_tensor_value_info(source[0], onnx.TensorProto.FLOAT, source[1])],
            [helper.make_tensor_value_info(target[0], onnx.TensorProto.FLOAT, target[1])],
            self._initializers,
        )
        model = helper.make_model(
            graph, producer_name="callannotate", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
        )
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString(deterministic=True))
