"""What studies share: searches with several seeds, tests of significance, learning curves."""
