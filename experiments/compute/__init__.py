"""Where work is computed: on CPU or GPU, by one process or several; and its minimum requirements."""
