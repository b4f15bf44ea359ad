# The server of one study, without PyTorch: serves a folder that mien has generated and built.
# docs/hosting.md says how to run it behind HTTPS.
FROM python:3.11-slim AS install
WORKDIR /mien
COPY pyproject.toml README.md LICENSE locks/mien.lock.txt mien*.py ./
COPY protocols protocols
COPY experiments experiments
# the versions that the tests ran with; mien's own folder has no hash, so pip takes none
RUN sed -E -e '/--hash=/d' -e 's/ *\\$//' mien.lock.txt > versions.txt
RUN python -m venv /opt/mien
RUN /opt/mien/bin/pip install --no-cache-dir --disable-pip-version-check -c versions.txt '.[web]'

FROM python:3.11-slim
COPY --from=install /opt/mien /opt/mien
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin mien \
    && mkdir /study && chown mien /study
ENV PATH=/opt/mien/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER mien
VOLUME /study
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/api/health', timeout=4)"]
ENTRYPOINT ["mien"]
CMD ["study", "serve", "/study", "--host", "0.0.0.0", "--behind-proxy"]
