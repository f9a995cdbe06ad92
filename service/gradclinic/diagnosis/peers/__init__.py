"""Rule sets of others, faithful to their published constants, for people who come from there and for comparison.

They judge the same stored records as our own rules. Where a record has no exact counterpart of what they look at,
each says what stands in for it. They know neither harm nor onset: an alarm is an alarm.
"""
