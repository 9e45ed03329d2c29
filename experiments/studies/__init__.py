"""The work of the commands that study the method, rather than run the pipeline."""
