"""The literature that the method section cites: key -> reference in APA style.

Each key is how the text cites it, so that a sentence and its reference can be checked together.
"""

from __future__ import annotations

REFERENCES = {
    "Kuznetsova et al., 2017": (
        "Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package: Tests "
        "in linear mixed effects models. Journal of Statistical Software, 82(13), 1–26. "
        "https://doi.org/10.18637/jss.v082.i13"
    ),
    "Bates et al., 2015": (
        "Bates, D., Mächler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects "
        "models using lme4. Journal of Statistical Software, 67(1), 1–48. "
        "https://doi.org/10.18637/jss.v067.i01"
    ),
    "Wilson, 1927": (
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical "
        "inference. Journal of the American Statistical Association, 22(158), 209–212. "
        "https://doi.org/10.1080/01621459.1927.10502953"
    ),
    "Curran, 2016": (
        "Curran, P. G. (2016). Methods for the detection of carelessly invalid responses in survey "
        "data. Journal of Experimental Social Psychology, 66, 4–19. "
        "https://doi.org/10.1016/j.jesp.2015.07.006"
    ),
    "Eskimez et al., 2021": (
        "Eskimez, S. E., Zhang, Y., & Duan, Z. (2021). Speech driven talking face generation from "
        "a single image and an emotion condition. IEEE Transactions on Multimedia, 24, 3480–3490. "
        "https://doi.org/10.1109/TMM.2021.3099900"
    ),
    "Halekoh & Højsgaard, 2014": (
        "Halekoh, U., & Højsgaard, S. (2014). A Kenward-Roger approximation and parametric "
        "bootstrap methods for tests in linear mixed models: the R package pbkrtest. Journal of "
        "Statistical Software, 59(9), 1–32. https://doi.org/10.18637/jss.v059.i09"
    ),
    "Jolly, 2018": (
        "Jolly, E. (2018). Pymer4: Connecting R and Python for linear mixed modeling. Journal of "
        "Open Source Software, 3(31), 862. https://doi.org/10.21105/joss.00862"
    ),
    "Christensen, 2022": (
        "Christensen, R. H. B. (2022). ordinal: Regression models for ordinal data (R package)."
    ),
}
