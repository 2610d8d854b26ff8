"""The ratios the house holds, each against a floor measured in the same run: `make bench`."""
