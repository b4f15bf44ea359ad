# Fits the model of one folder: Rscript engine.R FAMILY REML DDF, in a folder with model.txt (the
# formula) and data.csv. Writes the tables of answers.R as CSV, and warnings.txt; or
# missing.txt, with the packages that are not installed.
source("answers.R")
arguments <- commandArgs(TRUE)
family <- arguments[1]
reml <- arguments[2] == "TRUE"
ddf <- arguments[3]

packages <- switch(family, gaussian = c("lme4", "lmerTest"), binomial = "lme4", ordinal = "ordinal")
if (ddf == "Kenward-Roger") packages <- c(packages, "pbkrtest")
here <- vapply(packages, requireNamespace, NA, quietly = TRUE)
if (!all(here)) {
  writeLines(packages[!here], "missing.txt")
  quit(status = 3)
}

formula <- as.formula(readLines("model.txt"))
data <- read.csv("data.csv", stringsAsFactors = FALSE)
for (name in grep("^g", names(data), value = TRUE)) data[[name]] <- factor(data[[name]])
fit <- switch(family,
  gaussian = lmerTest::lmer(formula, data, REML = reml),
  binomial = lme4::glmer(formula, data, family = binomial),
  ordinal = ordinal::clmm(formula, data = transform(data, y = ordered(y)))
)
facts <- facts_of(fit)
numbers <- numbers_of(fit)
write.csv(coefficients_of(fit, ddf), "coefficients.csv", row.names = FALSE)
write.csv(triangles_of(fit), "triangles.csv", row.names = FALSE)
write.csv(data.frame(facts[1:2]), "facts.csv", row.names = FALSE)
for (name in names(numbers)) {
  write.csv(data.frame(value = numbers[[name]]), paste0(name, ".csv"), row.names = FALSE)
}
writeLines(facts$warnings, "warnings.txt")
versions <- versions_of(packages)
write.csv(data.frame(name = names(versions), version = versions), "versions.csv", row.names = FALSE)
