"""What operators see of an ingress: log, metrics, health, pages."""
