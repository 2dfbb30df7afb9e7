# syntax=docker/dockerfile:1
# Built in one image, run in another: the second holds Python, the program and nothing to build with.
#
#   docker build -t ovh-api-mcp .
#   docker run --rm -p 127.0.0.1:3104:3104 -e OVH_MCP_TOKEN=… -e OVH_APPLICATION_KEY=… \
#     -e OVH_APPLICATION_SECRET=… -e OVH_CONSUMER_KEY=… ovh-api-mcp

FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/ovh-api-mcp
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN /opt/ovh-api-mcp/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/runtime.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/python -m build --no-isolation --wheel --outdir dist . \
    && /opt/ovh-api-mcp/bin/pip install --no-cache-dir --no-deps dist/*.whl \
    && /opt/ovh-api-mcp/bin/python -m compileall -q /opt/ovh-api-mcp/lib \
    && /opt/ovh-api-mcp/bin/pip uninstall --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ovh-api-mcp" \
      org.opencontainers.image.description="Model Context Protocol server for the whole OVHcloud API" \
      org.opencontainers.image.licenses="MIT"
# The base image brings the standard library without bytecode, and the user below can write none.
RUN python -m compileall -q /usr/local/lib/python3.* \
    && useradd --system --create-home --uid 10001 ovh \
    && mkdir -p /var/cache/ovh-api-mcp /var/lib/ovh-api-mcp \
    && chown ovh: /var/cache/ovh-api-mcp /var/lib/ovh-api-mcp
COPY --from=build /opt/ovh-api-mcp /opt/ovh-api-mcp
ENV PATH=/opt/ovh-api-mcp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OVH_CACHE_DIR=/var/cache/ovh-api-mcp \
    OVH_STATE_DIR=/var/lib/ovh-api-mcp \
    PORT=3104
USER 10001
WORKDIR /home/ovh
VOLUME /var/cache/ovh-api-mcp /var/lib/ovh-api-mcp
EXPOSE 3104
# Asked directly: urllib would send it through the proxy that HTTP_PROXY names.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; server = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); server.request('GET', '/healthz'); sys.exit(server.getresponse().status != 200)"]
ENTRYPOINT ["ovh-api-mcp"]
CMD ["--host", "0.0.0.0"]
