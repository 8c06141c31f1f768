"""``python -m i2i``: the ``i2i`` command."""

from i2i.cli import main

if __name__ == "__main__":
    main()
