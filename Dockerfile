# CallAnnotate as a container image; docs/container.md says how to build, run and check it.
#   docker build -t callannotate .                          the default: diarization without torch
#   docker build -t callannotate:pyannote --target pyannote .    with the engine pyannote as well (6 GB)
# No address of an index stands here: pip, npm and apt go where the base image and your build arguments send them.
ARG BASE=python:3.11-slim-bookworm
ARG NODE=node:22-bookworm-slim

# ------------------------------------------------------------------------------------------------------ the web page
FROM ${NODE} AS page
WORKDIR /source/ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY contracts/openapi.yaml /source/contracts/
COPY asyncapi/asyncapi.yaml /source/asyncapi/
COPY clients/js/src /source/clients/js/src
COPY ui ./
RUN npm run build

# ---------------------------------------------------------------------------- what Python needs, by the lock's hashes
FROM ${BASE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY locks/build.lock /locks/
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r /locks/build.lock
COPY locks/image.lock /locks/
RUN python -m venv --without-pip /opt/callannotate \
    && /opt/build/bin/pip --python /opt/callannotate/bin/python install --require-hashes -r /locks/image.lock

# ---------------------------------------------------------------------------------------------- CallAnnotate itself
FROM packages AS application
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY asyncapi asyncapi
COPY clients/python/callannotate_client clients/python/callannotate_client
COPY contracts contracts
COPY licenses licenses
COPY models models
COPY runtime runtime
COPY stages stages
COPY web web
COPY --from=page /source/web/static web/static
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/callannotate/bin/python install --no-deps /wheels/*.whl

# ------- the weights, each file checked by its sha256; what converts them (locks/runtime.lock has onnx) stays in here
FROM application AS weights
COPY locks/runtime.lock /locks/
RUN /opt/build/bin/pip --python /opt/callannotate/bin/python install --require-hashes -r /locks/runtime.lock
ARG MODELS="segmentation-3.0 campplus-zh-en whisper-base"
ENV CALLANNOTATE_MODELS=/opt/models
RUN /opt/callannotate/bin/callannotate models pull ${MODELS} \
    && rm -rf /opt/models/.building /opt/models/.downloads /opt/models/.locks

# ------------------------------------------------------------------------------- the other engine: --target pyannote
FROM packages AS application-pyannote
COPY locks/image-pyannote.lock /locks/
RUN /opt/build/bin/pip --python /opt/callannotate/bin/python install --require-hashes -r /locks/image-pyannote.lock
COPY --from=application /wheels /wheels
RUN /opt/build/bin/pip --python /opt/callannotate/bin/python install --no-deps /wheels/*.whl

# ------------------------------------------------------------------------------------------- what both images share
FROM ${BASE} AS runtime
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 10001 callannotate \
    && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin callannotate \
    && install --directory --owner=10001 --group=10001 --mode=0750 /app/volume
# The slim images of Python come without bytecode, and a read-only root keeps none: that would cost every start half a
# second, and every health check.
RUN python -m compileall -q -x '(site|dist)-packages|/test/|/tests/|/idlelib/|/lib2to3/' \
    "$(python -c "import sysconfig; print(sysconfig.get_path('stdlib'))")"
ENV PATH=/opt/callannotate/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8000 \
    VOLUME_PATH=/app/volume \
    CALLANNOTATE_MODELS=/opt/models
COPY --from=weights /opt/models /opt/models
WORKDIR /app
USER 10001:10001
VOLUME /app/volume
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["callannotate", "health"]
ENTRYPOINT ["tini", "--", "callannotate"]
CMD ["serve"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="CallAnnotate" \
      org.opencontainers.image.description="Annotated transcripts of telephone calls on CPU" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# ------------------------------------------------------------------------------------------------------ the two images
FROM runtime AS pyannote
COPY --from=application-pyannote /opt/callannotate /opt/callannotate

FROM runtime AS default
COPY --from=application /opt/callannotate /opt/callannotate
