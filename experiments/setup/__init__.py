"""What a configuration names: devices, images, recipes, targets, sessions on the device."""
