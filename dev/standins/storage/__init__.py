"""A stand-in for Supabase Storage that the unchanged `supabase` client talks to.

What it reproduces was observed on the real server and is held by tests/contracts/test_storage.py, which also runs
against a real one (STORAGE_CONTRACT_URL, STORAGE_CONTRACT_KEY). Bytes are kept below one folder on disk.
"""
