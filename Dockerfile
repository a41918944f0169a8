# The server in an image: locked packages, no root, nothing written outside the home volume and /tmp.
#
#   docker build -t lineal .
#   docker run --read-only --tmpfs /tmp -v lineal:/var/lib/lineal -p 127.0.0.1:8765:8765 lineal
#
# That runs everything in one container. compose.yaml runs one process in each.
FROM python:3.13-slim-trixie AS build
WORKDIR /src
COPY . .
RUN deploy/image/install.sh /opt/lineal

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Lineal" \
      org.opencontainers.image.description="Experiment tracker and model registry that can prove the line from every deployment back to its data." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --no-log-init --create-home --home-dir /var/lib/lineal --uid 10001 lineal
COPY --from=build /opt/lineal /opt/lineal
USER 10001
ENV PATH=/opt/lineal/bin:$PATH LINEAL_HOME=/var/lib/lineal/home PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/lineal
VOLUME /var/lib/lineal
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8765/healthz', headers={'Host': 'localhost'}), timeout=2)"]
ENTRYPOINT ["lineal"]
# Containers are reached from outside by design; TLS belongs in front, and LINEAL_PUBLIC_URL names it.
CMD ["up", "--host", "0.0.0.0", "--insecure", "--no-browser"]
