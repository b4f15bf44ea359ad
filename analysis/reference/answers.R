# What a fit of lme4 (with lmerTest) or of ordinal says, as tables of numbers.
# The columns of its data are those of analysis/reference/asked.py: x0, ..., z0_0, ..., g0, ...

# One row per coefficient: term, estimate, se, df, t, p. df is Inf where the test is a z test.
coefficients_of <- function(fit, ddf) {
  if (inherits(fit, "lmerModLmerTest")) {
    b <- coef(summary(fit, ddf = ddf))
    columns <- c("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)")
    b <- b[, columns, drop = FALSE]
  } else {
    b <- coef(summary(fit))
    b <- cbind(b[, 1:2, drop = FALSE], Inf, b[, 3:4, drop = FALSE])
  }
  data.frame(term = rownames(b), estimate = b[, 1], se = b[, 2], df = b[, 3], t = b[, 4],
             p = b[, 5], row.names = NULL)
}

# Relative Cholesky triangle of every random term, one row per entry: row and column are names of
# columns, for lists of terms come in other orders (and ordinal even gives them wrong group names).
triangles_of <- function(fit) {
  if (inherits(fit, "clmm")) {
    triangles <- fit$ST
    names <- lapply(triangles, rownames)
  } else {
    triangles <- lme4::getME(fit, "Tlist")
    names <- lme4::getME(fit, "cnms")
  }
  one <- function(triangle, names) {
    triangle <- as.matrix(triangle)
    at <- which(lower.tri(triangle, diag = TRUE), arr.ind = TRUE)
    data.frame(row = names[at[, 1]], column = names[at[, 2]], value = triangle[at])
  }
  do.call(rbind, unname(Map(one, triangles, names)))
}

# Log likelihood, residual standard deviation (1 where there is none), and what the fit complains of.
facts_of <- function(fit) {
  cumulative <- inherits(fit, "clmm")
  if (cumulative) {
    warnings <- if (fit$optRes$convergence %in% 0:1) character() else fit$optRes$message
  } else {
    found <- fit@optinfo
    warnings <- unlist(c(found$conv$lme4$messages, found$warnings))
    if (lme4::isSingular(fit) && !any(grepl("singular", warnings))) {
      warnings <- c("boundary (singular) fit", warnings)
    }
  }
  linear <- !cumulative && lme4::isLMM(fit)
  list(log_likelihood = as.numeric(logLik(fit)), sigma = if (linear) sigma(fit) else 1,
       warnings = gsub("[\r\n]+", " ", as.character(warnings)))
}

# Covariance of fixed effects (and thresholds) in the order of its names, predictions, and for linear
# models what lmerTest's degrees of freedom come from: covariance of the variance parameters (theta,
# sigma), and the derivatives of the covariance of fixed effects by them (Kuznetsova et al. 2017).
numbers_of <- function(fit) {
  if (inherits(fit, "clmm")) {
    kept <- names(c(fit$alpha, fit$beta))
    return(list(names = kept, covariance = as.vector(vcov(fit)[kept, kept]),
                predicted = numeric()))
  }
  found <- list(names = names(lme4::fixef(fit)), covariance = as.vector(as.matrix(vcov(fit))),
                predicted = as.vector(predict(fit)))
  if (inherits(fit, "lmerModLmerTest")) {
    found$parameters <- as.vector(fit@vcov_varpar)
    found$derivatives <- as.vector(unlist(lapply(fit@Jac_list, as.vector)))
  }
  found
}

# Version of R and of the packages that made the fit, by name.
versions_of <- function(packages) {
  c(R = as.character(getRversion()),
    vapply(packages, function(p) as.character(packageVersion(p)), ""))
}
