"""The kinds of layer, one file each. One import line here makes a kind known to training, files, costs and pruning."""

from search_spaces.layers.attention import Attention as Attention
from search_spaces.layers.fused_mbconv import FusedMBConv as FusedMBConv
from search_spaces.layers.head import Head as Head
from search_spaces.layers.low_rank import LowRankHead as LowRankHead
from search_spaces.layers.low_rank import LowRankMBConv as LowRankMBConv
from search_spaces.layers.mbconv import MBConv as MBConv
from search_spaces.layers.patch_stem import PatchStem as PatchStem
from search_spaces.layers.pointwise import Pointwise as Pointwise
from search_spaces.layers.residual_block import ResidualBlock as ResidualBlock
from search_spaces.layers.separable import Separable as Separable
from search_spaces.layers.skip import Skip as Skip
from search_spaces.layers.spec import Spec as Spec
from search_spaces.layers.squeeze_excite import SqueezeExciteMBConv as SqueezeExciteMBConv
from search_spaces.layers.stem import Stem as Stem

KINDS = {kind.__name__: kind for kind in Spec.__subclasses__()}
