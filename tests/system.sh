#!/bin/sh
# Installs what the tests of the browser and of R need, where apt-get and root are at hand.
# Elsewhere it says what is missing; the tests that need it then skip and say so too.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v chromedriver >/dev/null 2>&1 || missing="$missing chromium-driver"
command -v ffmpeg >/dev/null 2>&1 || missing="$missing ffmpeg"
command -v ps >/dev/null 2>&1 || missing="$missing procps"
command -v Rscript >/dev/null 2>&1 || missing="$missing r-base-core"
if ! command -v Rscript >/dev/null 2>&1 ||
    ! Rscript -e 'for (p in c("lme4", "lmerTest", "emmeans")) loadNamespace(p)' >/dev/null 2>&1; then
    missing="$missing r-cran-lme4 r-cran-lmertest r-cran-emmeans"
fi
has() { command -v Rscript >/dev/null 2>&1 && Rscript -e "loadNamespace('$1')" >/dev/null 2>&1; }
wanted=""  # without these only some tests skip: of Kenward-Roger, ordinal models and PostgreSQL
has pbkrtest || wanted="$wanted r-cran-pbkrtest"
has ordinal || wanted="$wanted r-cran-ordinal"
# Programs for the tests of studies in PostgreSQL, which start a server of their own.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 ||
    wanted="$wanted postgresql"
[ -z "$missing$wanted" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing:$missing$wanted"
    apt-get update -qq
    # shellcheck disable=SC2086 -- one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then # let the package start none
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    for package in $wanted; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" \
            >/dev/null 2>&1 || echo "not to be had, so some tests will skip: $package"
    done
else
    echo "not here, so some tests will skip:$missing$wanted"
fi
