"""What happens to a world: what people do, and what goes wrong."""
