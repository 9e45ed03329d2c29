"""One figure per script of the same name: `python paper/figures/pareto.py RESULTS OUT.pdf`."""
