"""clusters.yaml becomes the model, and is refused where it could not work."""
