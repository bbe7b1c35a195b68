# One image for every process of Penstock; the command says which: ingress or worker. How to build it behind a mirror, with a
# digest, or on another base: docs/containers.md.
ARG BASE=python:3.13.15-slim-bookworm

FROM ${BASE} AS build
# pip's own variables; only this stage ever sees them.
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /build
COPY requirements-build.lock requirements-runtime.lock ./
# pip works from outside on an environment without pip, so none is in the image.
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv tools \
    && python -m venv --without-pip /opt/penstock \
    && tools/bin/pip install --require-hashes -r requirements-build.lock \
    && tools/bin/pip --python /opt/penstock/bin/python install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY broker broker
COPY config config
COPY console console
COPY ingress ingress
COPY local local
COPY providers providers
COPY schemas schemas
COPY simulator simulator
COPY sinks sinks
COPY streams streams
COPY subscriptions subscriptions
RUN tools/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/pip --python /opt/penstock/bin/python install --no-index --no-deps wheels/penstock-*.whl

FROM ${BASE}
ARG BASE
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Penstock" \
      org.opencontainers.image.description="Change data capture for webhooks: ingress and worker" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"
# Group 0 may do what the user may: clusters that choose the user id (OpenShift) leave the group at 0.
RUN useradd --no-log-init --uid 10001 --gid 0 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin penstock \
    && install -d -o 10001 -g 0 -m 0770 /var/lib/penstock
COPY --from=build /opt/penstock /opt/penstock
COPY deploy/image/healthcheck /usr/local/bin/penstock-healthcheck
ENV PATH=/opt/penstock/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PENSTOCK_CONFIG=/etc/penstock/penstock.toml PENSTOCK_DATA_DIR=/var/lib/penstock
# Numbers, so that Kubernetes' runAsNonRoot can tell.
USER 10001:0
VOLUME /var/lib/penstock
# Deliveries; and, with --operations-host 0.0.0.0, /healthz and /readyz: of an ingress, with /metrics, and of a worker.
EXPOSE 8080 9464 9465
HEALTHCHECK --interval=5s --timeout=5s --start-period=120s --retries=6 CMD ["penstock-healthcheck"]
ENTRYPOINT ["penstock"]
