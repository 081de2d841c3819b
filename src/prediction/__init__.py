"""What a trained network says of images and texts."""
