"""The back door: Celery tasks that resize, preview, vectorize, recover and expire."""
