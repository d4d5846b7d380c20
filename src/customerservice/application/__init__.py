"""What the help desk does: use cases over the ports."""
