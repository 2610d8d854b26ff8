"""How much an installation can do: what a job costs on each part, and a simulation that is checked on this machine."""
