"""Which tensors of the Open Inference Protocol a column takes without loss."""

from __future__ import annotations

from soloist_workloads.serving.signature import Kind
from soloist_workloads.serving.tensors import BYTES

# Whole numbers fit into floats, as JSON numbers do in protocol v1.
WHOLE = ("INT8", "INT16", "INT32", "UINT8", "UINT16")
LONG = (*WHOLE, "INT64", "UINT32")
ACCEPTED: dict[Kind, tuple[str, ...]] = {
    Kind.BOOLEAN: ("BOOL",),
    Kind.INTEGER: WHOLE,
    Kind.LONG: LONG,
    Kind.FLOAT: ("FP32", "FP16", *WHOLE),
    Kind.DOUBLE: ("FP64", "FP32", "FP16", *LONG, "UINT64"),
    Kind.STRING: (BYTES,),
    Kind.BINARY: (BYTES,),
    Kind.DATETIME: (BYTES,),
}
