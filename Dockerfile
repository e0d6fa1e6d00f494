# One image, three commands: `webhook` (the default), `worker` and `wabase …`. They are on the path and not behind an
# entry point, since some places replace an image's entry point and some its command.
FROM python:3.11-slim-trixie AS build
WORKDIR /src
# Wheels only, each by its hash: nothing is compiled, and nothing unknown runs. pip itself stays in this stage.
COPY requirements-build.lock requirements-runtime.lock ./
ENV PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/wabase \
 && python -m pip install --require-hashes -r requirements-build.lock \
 && python -m pip --python /opt/wabase/bin/python install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY ops/ ops/
COPY store/ store/
COPY webhook/ webhook/
COPY whatsapp/ whatsapp/
COPY worker/ worker/
RUN python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/wabase/bin/python install --no-index --no-deps /wheels/wabase-*.whl

FROM python:3.11-slim-trixie
LABEL org.opencontainers.image.title="Wabase" \
      org.opencontainers.image.description="The WhatsApp backend for products built on Supabase" \
      org.opencontainers.image.licenses="MIT"
# A number and no name, as Kubernetes wants it to know that it is not root. Files on their way through WhatsApp are
# spooled in the one folder that is written to; with a read-only file system a volume goes there.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/spool/wabase
COPY deploy/docker/bin/ /usr/local/bin/
COPY --from=build /opt/wabase /opt/wabase
# Both processes answer probes at the same port, each in a container of its own, so that one health check fits both.
ENV PATH=/opt/wabase/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/var/spool/wabase \
    WEBHOOK_PORT=8080 \
    WORKER_STATUS_HOST=0.0.0.0 \
    WORKER_STATUS_PORT=8080
USER 10001:10001
WORKDIR /
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["healthcheck"]
CMD ["webhook"]
