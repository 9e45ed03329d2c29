"""Search spaces: layers, architectures, networks, the weight-sharing supernet, the ONNX writer."""

__version__ = "0.1.0"  # Lutra's
