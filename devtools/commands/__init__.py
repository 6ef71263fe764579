"""What the Makefile calls: each module is one command, with ``main(layout, settings)``."""
