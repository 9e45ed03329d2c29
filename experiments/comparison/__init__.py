"""Parts that several studies share: seeded searches, tests of significance, learning curves."""
