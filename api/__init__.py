"""The front door: a thin Flask API that reserves credits and enqueues jobs."""
