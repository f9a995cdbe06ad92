"""Programs as people write them, each sound and with faults that public reports tell of: what is wrong, and why?

./run benchmark diagnosis --wild              the programs that were held out of fitting, and those that were not
./run benchmark diagnosis --wild --only churn
"""
