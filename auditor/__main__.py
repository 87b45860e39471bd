"""`python -m auditor` is `mailaudit`."""

from auditor.cli import main

if __name__ == "__main__":
    main()
