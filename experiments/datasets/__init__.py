"""A finished study as a data set that others can be given: Psych-DS, or BIDS."""
