"""Run the command line as ``python -m pprl``."""

from pprl.cli.main import main

if __name__ == "__main__":
    main()
