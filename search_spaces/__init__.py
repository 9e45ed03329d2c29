"""Search spaces: specs, architectures, networks, the entangled supernet, the ONNX writer."""
