"""What layers become: a network, the supernet, a population, an ONNX file."""
