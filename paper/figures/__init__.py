"""Each script draws the figure of the same name: `python paper/figures/pareto.py RESULTS OUT.pdf`."""
