"""How appropriate, varied and timely generated reactions are: the six measures of REACT 2024.

    tables = measure(generated, truths, speaker)     # slow part, once
    react2024.scores(tables), corrected.scores(tables)

`react2024` computes them as the challenge does, its quirks included, so that numbers compare with
printed ones; `corrected` computes what their names promise. Source of the definitions: Song et al.,
REACT 2024 (2024); Hu et al. (2024), section 4.2.
"""
