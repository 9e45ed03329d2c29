"""Turns a configuration into devices, images, recipes, targets, and sessions on the device."""
