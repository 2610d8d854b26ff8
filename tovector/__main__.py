"""`tovector`, also as `python -m tovector`."""

from tovector.cli import main

if __name__ == "__main__":
    main()
