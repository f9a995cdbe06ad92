"""Real processes, real faults, and an audit: every accepted run ends once, with exactly its rows.

python -m tests.chaos --database postgresql --runs 200 --faults 100 --seed 7
"""
