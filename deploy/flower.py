"""Flower's configuration: it is never open, and its password may be a file as every secret may."""

from shared.settings import load_settings

basic_auth = [load_settings().flower_basic_auth.get_secret_value()]
natural_time = True
purge_offline_workers = 600
