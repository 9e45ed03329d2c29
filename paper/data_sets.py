"""The name of the images, and sentences on what their results can show."""

from __future__ import annotations

from paper.latex import count, escape
from paper.setup_file import Setup

CIFAR10 = "cifar10"
DATA = {  # name and citation of known data sets
    CIFAR10: ("CIFAR-10", "krizhevsky2009learning"),
    "fashion_mnist": ("Fashion-MNIST", "xiao2017fashion"),
    "digits": ("the scikit-learn digits", ""),
}


def source(setup: Setup) -> str:
    """The name of the images: their title, or that of their folder or archive, if they were read from one."""
    if title := setup.values.get("data_title"):
        return escape(title)
    return _known(setup)[0] or escape(data_set(setup))


def cited(setup: Setup) -> str:
    """The same with its citation, if there is one."""
    _, key = _known(setup)
    return source(setup) + (rf"~\cite{{{key}}}" if key else "")


def data_set(setup: Setup) -> str:
    """The name of a data set, whether or not it is stored as JPEG files."""
    name = setup.values.get("data_file") or setup.text("data")
    for suffix in (".gz", ".tgz", ".tar", ".zip", "_jpeg"):
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
    return (
        f"These results are for {source(setup)} with {count(setup.number('train_images'))} training images of "
        f"{setup.number('resolution'):.0f} pixels."
    )
