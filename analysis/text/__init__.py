"""Words, tables and page of a report, and its R script."""
