"""Files of networks: export, foreign networks, compact files, sizes."""
