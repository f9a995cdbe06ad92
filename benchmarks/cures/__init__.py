"""Which remedies cure which broken trainings? Counts for the order of suggestions, and a check of that order.

A seed draws small broken trainings of every kind that can be declared. Each is diagnosed, remedies are tried on the
same data, and one has cured it if the network learned without harm on two seeds, as for a prescription. Every finished
training is one line of the record, so an interrupted measurement goes on where it stopped.

./run benchmark cures --record cures.jsonl --size 57 --tries 12            try 12 remedies on each, print the counts
./run benchmark cures --record cures.jsonl --size 57 --tries 12 --write    and write them into the product
./run benchmark cures --check --size 64 --seed 1                           how often does the first one cure others?
"""

from .report import main

__all__ = ["main"]
