"""Real processes, real faults, and an audit.

Two projects submit runs and studies, with keys and secrets that are replaced, schedules that start checks, and
receivers of alerts. Every accepted run ends once, with exactly its rows; every check has a verdict; every alert arrives
in order; and no project sees another.

python -m tests.chaos --database postgresql --runs 200 --faults 100 --seed 7
"""
