# The API, the reconciler and the migrations: everything that does not need torch.
ARG PYTHON=python:3.13-slim-bookworm
FROM $PYTHON AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv /opt/gradclinic
COPY docker/build.requirements.txt docker/api.requirements.txt constraints.txt ./
RUN /opt/build/bin/pip install --require-hashes --requirement build.requirements.txt \
  && /opt/gradclinic/bin/pip install --require-hashes --requirement api.requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY workers workers
COPY migrations migrations
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
  && /opt/gradclinic/bin/pip install --no-deps --no-index /dist/*.whl

FROM $PYTHON
RUN useradd --system --uid 10001 --home-dir /var/lib/gradclinic --create-home gradclinic \
  && mkdir /var/lib/gradclinic/checkpoints \
  && chown 10001 /var/lib/gradclinic/checkpoints
COPY --from=build /opt/gradclinic /opt/gradclinic
ENV PATH=/opt/gradclinic/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib MALLOC_ARENA_MAX=2
USER 10001
WORKDIR /var/lib/gradclinic
EXPOSE 8000
CMD ["gradclinic", "serve", "--api-only", "--host", "0.0.0.0"]
