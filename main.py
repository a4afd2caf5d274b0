"""Opens the Latentwalk window, or runs one of its commands: `python main.py --help`."""

from explorer.cli import program

if __name__ == "__main__":
    raise SystemExit(program())
