"""What a rollout costs: calls to the API server by kind, Holdfast's own CPU, and how both grow with their number."""
