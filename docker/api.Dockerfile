# The API, the reconciler and the migrations: everything that does not need torch.
FROM python:3.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/gradclinic
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY service service
COPY workers workers
COPY migrations migrations
RUN /opt/gradclinic/bin/pip install --constraint constraints.txt ".[service,ui,oidc,telemetry]"

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/gradclinic --create-home gradclinic \
  && mkdir /var/lib/gradclinic/checkpoints \
  && chown 10001 /var/lib/gradclinic/checkpoints
COPY --from=build /opt/gradclinic /opt/gradclinic
ENV PATH=/opt/gradclinic/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
USER 10001
WORKDIR /var/lib/gradclinic
EXPOSE 8000
CMD ["gradclinic", "serve", "--api-only", "--host", "0.0.0.0"]
