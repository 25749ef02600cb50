"""`python -m addon`."""

import sys

from addon.cli.commands import main

sys.exit(main())
