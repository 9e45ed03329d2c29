# An image without a GPU that runs any command and passes the tests:
#   docker build -t lutra .
#   docker run --rm -it -v "$PWD/runs:/lutra/experiments/runs" lutra lutra pipeline
#   docker run --rm lutra make test
FROM python:3.12-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends git make openssh-client openssh-server procps util-linux \
    latexmk lmodern poppler-utils texlive-fonts-recommended texlive-latex-extra texlive-latex-recommended \
    texlive-pictures \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /lutra
# builds of PyTorch without CUDA: 1 GB instead of 6
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_NO_CACHE_DIR=1 PATH=/lutra/.venv/bin:$PATH
COPY . .
RUN make .venv/test
CMD ["lutra"]
