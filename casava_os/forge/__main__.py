"""`python -m casava_os.forge`: the same commands as `casava-os forge`."""

from casava_os.forge.cli import app

if __name__ == "__main__":
    app()
