"""The commands: each one step of the chain, with its configuration, its artefacts and its manifest."""
