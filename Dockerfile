# One image for every process of Penstock; the command says which: ingress or worker.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/penstock \
    && /opt/penstock/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY broker broker
COPY console console
COPY ingress ingress
COPY local local
COPY providers providers
COPY schemas schemas
COPY streams streams
RUN /opt/penstock/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/penstock /opt/penstock
RUN groupadd --system --gid 10001 penstock \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent penstock \
    && install -d -o penstock -g penstock -m 0700 /var/lib/penstock
ENV PATH=/opt/penstock/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PENSTOCK_CONFIG=/etc/penstock/penstock.toml PENSTOCK_DATA_DIR=/var/lib/penstock
# A number, so that Kubernetes' runAsNonRoot can tell.
USER 10001:10001
VOLUME /var/lib/penstock
# Deliveries; and, with --operations-host 0.0.0.0, /metrics, /healthz and /readyz.
EXPOSE 8080 9464
ENTRYPOINT ["penstock"]
