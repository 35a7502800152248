"""`python -m bot` is the command line, as `bot` is."""

import sys

from bot.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
