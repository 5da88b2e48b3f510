# One image for the worker, the API and the command line. docker-compose.yml says which part runs.

# To pin it: PYTHON_IMAGE=python:3.13.16-slim-bookworm@sha256:... in .env; docs/operations.md says where
# the digest is found.
ARG PYTHON_IMAGE=python:3.13.16-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# What Casework needs, in the versions and with the hashes of the lock files, uv itself included.
COPY requirements/bootstrap.txt requirements/runtime.txt requirements/dev.txt requirements/
RUN python -m pip install --no-deps --require-hashes --requirement requirements/bootstrap.txt \
 && python -m venv --without-pip /opt/casework \
 && uv pip sync --python /opt/casework/bin/python --require-hashes --compile-bytecode \
      requirements/runtime.txt

COPY pyproject.toml worker.py ./
COPY casework casework
COPY workflows workflows
COPY activities activities
COPY api api
RUN uv build --wheel --require-hashes --build-constraints requirements/dev.txt --out-dir /wheel \
 && uv pip install --python /opt/casework/bin/python --no-deps --compile-bytecode /wheel/*.whl


FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 casework \
 && useradd --uid 10001 --gid casework --no-create-home --home-dir /var/lib/casework \
      --shell /usr/sbin/nologin casework \
 && install --directory --owner=casework --group=casework --mode=0750 /var/lib/casework

COPY --from=build /opt/casework /opt/casework
ENV PATH=/opt/casework/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CASEWORK_STATE_FOLDER=/var/lib/casework

WORKDIR /var/lib/casework
VOLUME /var/lib/casework
USER 10001:10001
EXPOSE 8000
CMD ["casework", "--help"]
