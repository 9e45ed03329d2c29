"""The work of each step of the pipeline, and the plan of what needs what."""
