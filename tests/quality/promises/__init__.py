"""What the engine promises beside looking like its source, measured by one command: `python -m tests.quality.promises`.

Everything is read from the files that come out, never from the engine's report of them.
"""
