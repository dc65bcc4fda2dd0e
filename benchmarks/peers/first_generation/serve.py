"""Runs nginx in front of gunicorn, as the first generation's start script did.

``python serve.py PORT WORKERS FOLDER``; ends both when either ends or on SIGTERM.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 2048; accept_mutex off; use epoll; }}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  upstream gunicorn {{ server unix:{folder}/gunicorn.sock; }}
  server {{
    listen 127.0.0.1:{port} deferred;
    client_max_body_size 5m;
    keepalive_timeout 5;
    location ~ ^/(ping|invocations) {{
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Host $http_host;
      proxy_redirect off;
      proxy_pass http://gunicorn;
    }}
    location / {{ return 404 "{{}}"; }}
  }}
}}
"""


def main(port, workers, folder):
    """Start both programs and wait for the first to end."""
    configuration = Path(folder) / "nginx.conf"
    # As root nginx's workers would be "nobody", who may not enter the folder of the socket.
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, port=port, folder=folder)
    configuration.write_text(text, encoding="utf-8")
    gunicorn = [str(Path(sys.executable).with_name("gunicorn")), "server:app"]
    gunicorn += ["--workers", workers, "--worker-class", "sync", "--timeout", "60"]
    gunicorn += ["--bind", f"unix:{folder}/gunicorn.sock"]
    children = [
        subprocess.Popen(["nginx", "-p", folder, "-c", str(configuration)]),
        subprocess.Popen(gunicorn),
    ]

    def stop(*_):
        for child in children:
            if child.poll() is None:
                child.terminate()

    signal.signal(signal.SIGTERM, stop)
    os.wait()
    stop()
    for child in children:
        child.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
