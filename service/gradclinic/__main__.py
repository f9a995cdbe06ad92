"""`python -m gradclinic` is the command `gradclinic`."""

from gradclinic.cli import main

if __name__ == "__main__":
    main()
