"""The local stack and the stand-ins for hosted services; never imported by the house."""
