"""Stand-ins for the hosted services: they speak the providers' protocols, so production clients run unchanged."""
