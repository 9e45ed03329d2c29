"""The names of the files that are compared with hand-made networks, in tables and with citations."""

from __future__ import annotations

from paper.compression_rows import HandMade
from paper.latex import escape

SAVED = "winner, saved "
NAMES = {
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3-small",
    "shufflenet_v2": "ShuffleNetV2",
    "shufflenet_v2_half": r"ShuffleNetV2 $\times 0.5$",
    "resnet8": "ResNet-8",
    "vit": "the small ViT",
    "hybrid": "the hybrid",
    "mobilenet_v2_half": r"MobileNetV2 $\times 0.5$",
    "mobilenet_v4_small": "the MobileNetV4-like network",
    "resnet8_blocks": "ResNet-8",
}
CITED = {
    "mobilenet_v2": r"MobileNetV2~\cite{sandler2018mobilenetv2}",
    "mobilenet_v3_small": r"MobileNetV3-small~\cite{howard2019searching}",
    "shufflenet_v2": r"ShuffleNetV2~\cite{ma2018shufflenet}",
    "shufflenet_v2_half": r"ShuffleNetV2 of half the width~\cite{ma2018shufflenet}",
    "resnet8": r"the ResNet-8 of MLPerf Tiny~\cite{banbury2021mlperf}",
    "vit": "a compact vision transformer",
    "hybrid": "a hybrid of residual blocks and attention",
    "mobilenet_v2_half": r"MobileNetV2 of half the width~\cite{sandler2018mobilenetv2}",
    "mobilenet_v4_small": r"a network like MobileNetV4-Conv-Small~\cite{qin2024mobilenetv4}",
    "resnet8_blocks": r"a ResNet-8 like that of MLPerf Tiny~\cite{banbury2021mlperf}",
}


def name(row: HandMade) -> str:
    """In a sentence; a table leaves out the article."""
    if row.stage.startswith(SAVED):
        return rf"winner, saving {saved(row)}\,\%"
    return NAMES.get(row.stage, escape(row.stage))


def saved(row: HandMade) -> str:
    """Percent of the latency that pruning can save."""
    return f"{100 * float(row.stage.removeprefix(SAVED)):g}"
