"""`python -m casava_os.forge`: makes a kernel model, step by step; `make model` runs all of it."""

from casava_os.forge.cli import app

if __name__ == "__main__":
    app()
