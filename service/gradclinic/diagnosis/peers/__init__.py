"""Rule sets of other tools with their published constants, for their users and for comparison.

They judge the same stored records as the default rules. If a record has no exact counterpart of a quantity, each
module documents the substitute. These rule sets do not distinguish harm, and give no onset.
"""
