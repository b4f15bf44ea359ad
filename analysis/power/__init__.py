"""Power before the study, by simulation: how often would the planned tests find what is assumed?"""
