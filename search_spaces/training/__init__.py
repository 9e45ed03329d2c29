"""Trains networks and supernets."""
