"""The literature that the method section cites: key -> reference in APA style.

Each key is how the text cites it, so that a sentence and its reference can be checked together.
"""

from __future__ import annotations

REFERENCES = {
    "Russell et al., 1989": (
        "Russell, J. A., Weiss, A., & Mendelsohn, G. A. (1989). Affect Grid: A single-item scale "
        "of pleasure and arousal. Journal of Personality and Social Psychology, 57(3), 493–502. "
        "https://doi.org/10.1037/0022-3514.57.3.493"
    ),
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
    "Shrout & Fleiss, 1979": (
        "Shrout, P. E., & Fleiss, J. L. (1979). Intraclass correlations: Uses in assessing rater "
        "reliability. Psychological Bulletin, 86(2), 420–428. "
        "https://doi.org/10.1037/0033-2909.86.2.420"
    ),
    "McGraw & Wong, 1996": (
        "McGraw, K. O., & Wong, S. P. (1996). Forming inferences about some intraclass "
        "correlation coefficients. Psychological Methods, 1(1), 30–46. "
        "https://doi.org/10.1037/1082-989X.1.1.30"
    ),
    "ten Hove et al., 2022": (
        "ten Hove, D., Jorgensen, T. D., & van der Ark, L. A. (2022). Updated guidelines on "
        "selecting an intraclass correlation coefficient for interrater reliability, with "
        "applications to incomplete observational designs. Psychological Methods. "
        "https://doi.org/10.1037/met0000516"
    ),
    "Krippendorff, 2011": (
        "Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of "
        "Pennsylvania, Annenberg School for Communication."
    ),
    "Fleiss, 1971": (
        "Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychological "
        "Bulletin, 76(5), 378–382. https://doi.org/10.1037/h0031619"
    ),
    "Gwet, 2014": (
        "Gwet, K. L. (2014). Handbook of inter-rater reliability (4th ed.). Advanced Analytics."
    ),
    "Zapf et al., 2016": (
        "Zapf, A., Castell, S., Morawietz, L., & Karch, A. (2016). Measuring inter-rater "
        "reliability for nominal data – which coefficients and confidence intervals are "
        "appropriate? BMC Medical Research Methodology, 16, Article 93. "
        "https://doi.org/10.1186/s12874-016-0200-9"
    ),
    "Lin, 1989": (
        "Lin, L. I.-K. (1989). A concordance correlation coefficient to evaluate reproducibility. "
        "Biometrics, 45(1), 255–268. https://doi.org/10.2307/2532051"
    ),
    "Bland & Altman, 1999": (
        "Bland, J. M., & Altman, D. G. (1999). Measuring agreement in method comparison studies. "
        "Statistical Methods in Medical Research, 8(2), 135–160. "
        "https://doi.org/10.1177/096228029900800204"
    ),
    "Lindt et al., 2019": (
        "Lindt, A., Barros, P., Siqueira, H., & Wermter, S. (2019). Facial expression editing "
        "with continuous emotion labels. In 14th IEEE International Conference on Automatic Face "
        "& Gesture Recognition (FG 2019). https://doi.org/10.1109/FG.2019.8756558"
    ),
    "Hu et al., 2024": (
        "Hu, G., Wei, J., Song, S., Kollias, D., Yang, X., Sun, Z., & Kaloidas, O. (2024). Robust "
        "facial reactions generation: An emotion-aware framework with modality compensation. In "
        "2024 IEEE International Joint Conference on Biometrics (IJCB). "
        "https://doi.org/10.1109/IJCB62174.2024.10744499"
    ),
    "Schuirmann, 1987": (
        "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the "
        "power approach for assessing the equivalence of average bioavailability. Journal of "
        "Pharmacokinetics and Biopharmaceutics, 15(6), 657–680. "
        "https://doi.org/10.1007/BF01068419"
    ),
    "Lakens, 2017": (
        "Lakens, D. (2017). Equivalence tests: A practical primer for t tests, correlations, and "
        "meta-analyses. Social Psychological and Personality Science, 8(4), 355–362. "
        "https://doi.org/10.1177/1948550617697177"
    ),
    "Blume et al., 2024": (
        "Blume, F., Qu, R., Bideau, P., Maier, M., Abdel Rahman, R., & Hellwich, O. (2024). How do "
        "you perceive my face? Recognizing facial expressions in multi-modal context by modeling "
        "mental representations."
    ),
    "Holm, 1979": (
        "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics, 6(2), 65–70."
    ),
    "Kenward & Roger, 1997": (
        "Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from "
        "restricted maximum likelihood. Biometrics, 53(3), 983–997. "
        "https://doi.org/10.2307/2533558"
    ),
    "Westfall et al., 2014": (
        "Westfall, J., Kenny, D. A., & Judd, C. M. (2014). Statistical power and optimal design in "
        "experiments in which samples of participants respond to samples of stimuli. Journal of "
        "Experimental Psychology: General, 143(5), 2020–2045. https://doi.org/10.1037/xge0000014"
    ),
    "Brysbaert & Stevens, 2018": (
        "Brysbaert, M., & Stevens, M. (2018). Power analysis and effect size in mixed effects "
        "models: A tutorial. Journal of Cognition, 1(1), Article 9. https://doi.org/10.5334/joc.10"
    ),
    "Barr et al., 2013": (
        "Barr, D. J., Levy, R., Scheepers, C., & Tily, H. J. (2013). Random effects structure for "
        "confirmatory hypothesis testing: Keep it maximal. Journal of Memory and Language, 68(3), "
        "255–278. https://doi.org/10.1016/j.jml.2012.11.001"
    ),
    "Matuschek et al., 2017": (
        "Matuschek, H., Kliegl, R., Vasishth, S., Baayen, H., & Bates, D. (2017). Balancing Type I "
        "error and power in linear mixed models. Journal of Memory and Language, 94, 305–315. "
        "https://doi.org/10.1016/j.jml.2017.01.001"
    ),
    "Nakagawa & Schielzeth, 2013": (
        "Nakagawa, S., & Schielzeth, H. (2013). A general and simple method for obtaining R² from "
        "generalized linear mixed-effects models. Methods in Ecology and Evolution, 4(2), 133–142. "
        "https://doi.org/10.1111/j.2041-210x.2012.00261.x"
    ),
    "Johnson, 2014": (
        "Johnson, P. C. D. (2014). Extension of Nakagawa & Schielzeth's R²GLMM to random slopes "
        "models. Methods in Ecology and Evolution, 5(9), 944–946. "
        "https://doi.org/10.1111/2041-210X.12225"
    ),
    "Nakagawa et al., 2017": (
        "Nakagawa, S., Johnson, P. C. D., & Schielzeth, H. (2017). The coefficient of "
        "determination R² and intra-class correlation coefficient from generalized linear "
        "mixed-effects models revisited and expanded. Journal of the Royal Society Interface, "
        "14(134), 20170213. https://doi.org/10.1098/rsif.2017.0213"
    ),
    "Dunn & Smyth, 1996": (
        "Dunn, P. K., & Smyth, G. K. (1996). Randomized quantile residuals. Journal of "
        "Computational and Graphical Statistics, 5(3), 236–244. "
        "https://doi.org/10.1080/10618600.1996.10474708"
    ),
    "Pregibon, 1981": (
        "Pregibon, D. (1981). Logistic regression diagnostics. The Annals of Statistics, 9(4), "
        "705–724. https://doi.org/10.1214/aos/1176345513"
    ),
    "Loy & Hofmann, 2014": (
        "Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear "
        "models in R. Journal of Statistical Software, 56(5), 1–28. "
        "https://doi.org/10.18637/jss.v056.i05"
    ),
    "Schad et al., 2020": (
        "Schad, D. J., Vasishth, S., Hohenstein, S., & Kliegl, R. (2020). How to capitalize on a "
        "priori contrasts in linear (mixed) models: A tutorial. Journal of Memory and Language, "
        "110, 104038. https://doi.org/10.1016/j.jml.2019.104038"
    ),
    "Wagner, 1993": (
        "Wagner, H. L. (1993). On measuring performance in category judgment studies of nonverbal "
        "behavior. Journal of Nonverbal Behavior, 17(1), 3–28. https://doi.org/10.1007/BF00987006"
    ),
    "Korn & Graubard, 1998": (
        "Korn, E. L., & Graubard, B. I. (1998). Confidence intervals for proportions with small "
        "expected number of positive counts estimated from survey data. Survey Methodology, 24(2), "
        "193–201."
    ),
    "Wilcoxon, 1945": (
        "Wilcoxon, F. (1945). Individual comparisons by ranking methods. Biometrics Bulletin, "
        "1(6), 80–83. https://doi.org/10.2307/3001968"
    ),
    "Streitberg & Röhmel, 1986": (
        "Streitberg, B., & Röhmel, J. (1986). Exact distributions for permutation and rank tests: "
        "An introduction to some recently published algorithms. Statistical Software Newsletter, "
        "12(1), 10–17."
    ),
    "Hodges & Lehmann, 1963": (
        "Hodges, J. L., & Lehmann, E. L. (1963). Estimates of location based on rank tests. Annals "
        "of Mathematical Statistics, 34(2), 598–611. https://doi.org/10.1214/aoms/1177704172"
    ),
    "Kerby, 2014": (
        "Kerby, D. S. (2014). The simple difference formula: An approach to teaching nonparametric "
        "correlation. Comprehensive Psychology, 3, Article 11.IT.3.1. "
        "https://doi.org/10.2466/11.IT.3.1"
    ),
    "McCullagh, 1980": (
        "McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal "
        "Statistical Society: Series B, 42(2), 109–142. "
        "https://doi.org/10.1111/j.2517-6161.1980.tb01109.x"
    ),
    "Brant, 1990": (
        "Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal "
        "logistic regression. Biometrics, 46(4), 1171–1178. https://doi.org/10.2307/2532457"
    ),
    "Zeger et al., 1988": (
        "Zeger, S. L., Liang, K.-Y., & Albert, P. S. (1988). Models for longitudinal data: A "
        "generalized estimating equation approach. Biometrics, 44(4), 1049–1060. "
        "https://doi.org/10.2307/2531734"
    ),
}
