"""``python -m medimeta_c``."""

from medimeta_c.cli import main

if __name__ == "__main__":
    main()
