"""``python -m odyssey``: the same as the ``odyssey`` program."""

import sys

from odyssey.cli import main

if __name__ == "__main__":
    sys.exit(main())
