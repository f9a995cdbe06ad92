# A worker, the only image with torch. TORCH_INDEX selects the build; empty means PyPI's, which includes CUDA.
ARG PYTHON=python:3.13-slim-bookworm
FROM $PYTHON AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv /opt/gradclinic
COPY docker/build.requirements.txt docker/worker.requirements.txt constraints.txt ./
RUN /opt/build/bin/pip install --require-hashes --requirement build.requirements.txt \
  && /opt/gradclinic/bin/pip install --require-hashes --requirement worker.requirements.txt
# What torch needs besides CUDA is there by now, so that only its own index is asked.
RUN /opt/gradclinic/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} --constraint constraints.txt torch
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
ENV PATH=/opt/gradclinic/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/gradclinic
CMD ["gradclinic", "worker"]
