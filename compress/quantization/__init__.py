"""INT8 and fp16: ranges, quantization-aware training, layers that stay in float."""
