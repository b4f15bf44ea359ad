"""R as the reference: lme4, lmerTest and ordinal on the same columns as our own engine."""
