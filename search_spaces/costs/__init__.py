"""Costs of layers that follow from their graphs: operations, parameters, bytes, activations."""

from search_spaces.costs.activations import kept_activations as kept_activations
from search_spaces.costs.activations import peak_activations as peak_activations
from search_spaces.costs.macs import macs as macs
from search_spaces.costs.parameters import parameters as parameters
from search_spaces.costs.weight_bytes import weight_bytes as weight_bytes
