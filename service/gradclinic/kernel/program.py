"""How the command line is called in this installation."""

import os

COMMAND = os.environ.get("GRADCLINIC_COMMAND", "gradclinic")
"""The command as the user called it. The start script of a checkout sets it; child processes inherit it."""
