"""Opens an ONNX network for the CPU. Nothing else imports onnxruntime.

onnxruntime tells its makers of every process and network, unless it is told not to before it is imported.
"""

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session that uses at most `threads` threads per call, and none between calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads would otherwise spin, on cores that another network needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena would keep for itself what the largest call needed: 134 MB for two calls of CAM++ at once, which take
    # half as much from the allocator that all networks share (models/allocator.py), and no longer without it.
    options.enable_cpu_mem_arena = False
    # Planning which buffers share memory takes 0.5 s for the nodes of CAM++ and saves nothing.
    options.enable_mem_reuse = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
