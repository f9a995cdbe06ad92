"""Starts one worker: `python -m gradclinic_workers`."""

from .process.app import main

if __name__ == "__main__":
    main()
