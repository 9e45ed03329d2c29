"""How networks and supernets are trained."""
