"""Files of networks: export, hand-made networks, compact files, sizes."""
