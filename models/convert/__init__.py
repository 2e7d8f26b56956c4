"""Torch-free conversion of PyTorch checkpoints to ONNX; needs the package onnx, and only when weights are fetched."""
