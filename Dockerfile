# The server in an image: built from the locked packages, run without root on a read-only root file system.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/dev.lock requirements/dev.lock
RUN python -m venv /opt/lineal && /opt/lineal/bin/pip install --no-cache-dir "uv>=0.8,<1"
COPY . .
# Only what the server needs, at the locked versions: development tools stay out of the image.
RUN /opt/lineal/bin/uv pip install --python /opt/lineal/bin/python --no-cache --constraint requirements/dev.lock ./client . \
 && /opt/lineal/bin/pip uninstall --yes uv pip

FROM python:3.13-slim
COPY --from=build /opt/lineal /opt/lineal
RUN useradd --create-home --home-dir /var/lib/lineal --uid 10001 lineal
USER 10001
ENV PATH=/opt/lineal/bin:$PATH LINEAL_HOME=/var/lib/lineal/home PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/lineal
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8765/healthz', headers={'Host': 'localhost'}), timeout=2)"]
# Containers are reached from outside by design; TLS belongs in front, and LINEAL_PUBLIC_URL names it.
CMD ["lineal", "up", "--home", "/var/lib/lineal/home", "--host", "0.0.0.0", "--insecure", "--no-browser"]
