"""`python -m gradclinic_workers`: one worker."""

from .process.app import main

if __name__ == "__main__":
    main()
