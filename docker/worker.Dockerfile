# A worker, the only image with torch. TORCH_INDEX selects the build; empty means PyPI's, which includes CUDA.
FROM python:3.13-slim-bookworm AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_EXTRA_INDEX_URL=$TORCH_INDEX
WORKDIR /src
RUN python -m venv /opt/gradclinic
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY service service
COPY workers workers
COPY migrations migrations
RUN /opt/gradclinic/bin/pip install --constraint constraints.txt ".[worker,telemetry]"

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/gradclinic --create-home gradclinic \
  && mkdir /var/lib/gradclinic/checkpoints \
  && chown 10001 /var/lib/gradclinic/checkpoints
COPY --from=build /opt/gradclinic /opt/gradclinic
ENV PATH=/opt/gradclinic/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/gradclinic
CMD ["gradclinic", "worker"]
