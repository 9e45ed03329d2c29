"""The name of the images, and sentences on what their results can show."""

from __future__ import annotations

from paper.latex import count, escape
from paper.setup_file import Setup

CIFAR10 = "cifar10"
JPEG = "_jpeg"  # ends the name of a copy as JPEG files
DATA = {  # name and citation of known data sets
    CIFAR10: ("CIFAR-10", "krizhevsky2009learning"),
    "fashion_mnist": ("Fashion-MNIST", "xiao2017fashion"),
    "digits": ("the scikit-learn digits", ""),
}


def source(setup: Setup) -> str:
    """The name of the images: their title, or that of their folder or archive, if they were read from one."""
    if title := setup.values.get("data_title"):
        return escape(title)
    known = _known(setup)[0]
    return f"{known}{' as JPEG files' if _as_jpeg(setup) else ''}" if known else escape(data_set(setup))


def cited(setup: Setup) -> str:
    """The same with its citation, if there is one."""
    _, key = _known(setup)
    return source(setup) + (rf"~\cite{{{key}}}" if key else "")


def data_set(setup: Setup) -> str:
    """The name of a data set, whether or not it is stored as JPEG files."""
    return _file(setup).removesuffix(JPEG)


def _as_jpeg(setup: Setup) -> bool:
    """Whether the images of a known data set, which is published without loss, are stored as JPEG files."""
    return _file(setup).endswith(JPEG)


def _file(setup: Setup) -> str:
    """The name of the images' folder or archive, without the ends of archives' names."""
    name = setup.values.get("data_file") or setup.text("data")
    for suffix in (".gz", ".tgz", ".tar", ".zip"):
        name = name.removesuffix(suffix)
    return name


def _known(setup: Setup) -> tuple[str, str]:
    """The name and citation of a known data set. A user's own folder is none, unless it is called as CIFAR-10 is."""
    name = data_set(setup)
    own = setup.text("data") == "image_folder" and name != CIFAR10
    return ("", "") if own else DATA.get(name, ("", ""))


def data(setup: Setup) -> str:
    """Sentences on the data of the results, and what they can therefore show."""
    if setup.text("data") == "digits":
        return (
            f"These results come from the demonstration, on {source(setup)} of "
            f"{setup.number('resolution'):.0f} pixels. Any sensible network is nearly perfect on them, so "
            "they show that the chain works from end to end, not that one network is better than another."
        )
    lossy = _as_jpeg(setup) and _known(setup)[0]
    limit = f" JPEG loses quality, so accuracies are not comparable with those published for {lossy}." if lossy else ""
    return (
        f"These results are for {source(setup)} with {count(setup.number('train_images'))} training images of "
        f"{setup.number('resolution'):.0f} pixels.{limit}"
    )
