"""Search spaces: layers, architectures, networks, the weight-sharing supernet, the ONNX writer."""
