"""Typical PyTorch programs, correct ones and ones with faults from public reports: is the fault found, and its kind?

./run benchmark diagnosis --wild              held-out programs, and those used to develop the rules
./run benchmark diagnosis --wild --only churn
"""
