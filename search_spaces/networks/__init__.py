"""Interpreters of layers: a network, the supernet, a population, ONNX and LiteRT files."""
