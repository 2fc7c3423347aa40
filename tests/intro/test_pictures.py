import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from mpl_toolkits.mplot3d import Axes3D
from PIL import Image

from scratch_ad.intro import (
    animate_calculation,
    chain_rule_picture,
    graphical_representation_of_calculation,
    plot_training_set,
)


@pytest.fixture(autouse=True)
def style():
    """Matplotlib's own, whatever else this process draws."""
    with plt.style.context("default"):
        yield


def painted(figure, path):
    """Draw it, which is when Matplotlib complains, and say whether anything but white came out at the border."""
    figure.savefig(path, dpi=50)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels != 255).any()
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return (border != 255).any()


@pytest.mark.parametrize("inputs", [1, 2, 3, 5])
@pytest.mark.parametrize("outputs", [1, 2])
def test_training_set(inputs, outputs, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1.1, 1.1, size=(inputs, 30)), np.where(rng.random((outputs, 30)) < 0.5, -1, 1)
    figure, axes = plot_training_set(x, y)
    assert len(axes) == outputs == len(figure.axes)
    assert not painted(figure, tmp_path / "set.png")  # nothing is cut off
    for i, a in enumerate(axes):
        (points,) = a.collections
        assert isinstance(a, Axes3D) == (inputs >= 3)
        assert a.get_title() == f"Output dimension (label) {i + 1}"
        assert a.get_xlabel() == "Input dimension (feature) 1"
        assert a.get_ylabel() == ("Label" if inputs == 1 else "Input dimension (feature) 2")
        assert points.get_clim() == (-1, 1)
        np.testing.assert_array_equal(np.sort(points.get_array()), np.sort(y[i]))
        if inputs < 3:
            np.testing.assert_allclose(points.get_offsets(), np.stack([x[0], y[i] if inputs == 1 else x[1]], axis=1))
        else:
            assert a.get_zlabel() == "Input dimension (feature) 3"
            np.testing.assert_allclose(np.sort(points._offsets3d[2]), np.sort(x[2]))
    assert ("first 3 of 5" in figure.get_suptitle()) == (inputs == 5)


def test_labels_have_the_two_ends_of_the_colours():
    _, (a,) = plot_training_set(np.zeros((2, 3)), np.array([[-1, 0, 1]]))
    (points,) = a.collections
    colours = [to_hex(points.to_rgba(v)) for v in (-1, 0, 1)]
    assert colours == [to_hex(points.get_cmap()(v)) for v in (0.0, 0.5, 1.0)]


texts = {
    None: (["p_{1}", "p_{2}"], [r"f_{1}\left(\vec{p}\right)"]),
    ("numerical", 1): (["p_{1}", "p_{2}+h"], [r"\partial{f_{1}}/\partial{p_{2}}"]),
    ("forward", 0): ([r"p^\prime_{1}=1", r"p^\prime_{2}=0"], [r"\partial{f_{1}}/\partial{p_{1}}"]),
    ("backward", 0): ([r"\partial{f_{1}}/\partial{p_{1}}", r"\partial{f_{1}}/\partial{p_{2}}"], [r"f^\prime_{1}=1"]),
}


@pytest.mark.parametrize("diff", texts)
def test_calculation(diff, tmp_path):
    figure, axes = graphical_representation_of_calculation(2, 1, diff=diff)
    assert [t.get_text()[1:-1] for t in axes.texts] == [r"\vec{f}(\vec{p})", *texts[diff][0], *texts[diff][1]]
    marked = [line for line in axes.lines if line.get_color() == "C3"]
    assert len(marked) == (diff is not None)
    if diff:
        assert marked[0].get_xydata().tolist() == [[5, 0]] if diff[0] == "backward" else [[0, diff[1] - 0.5]]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["input vector", "output vector"]
    assert not painted(figure, tmp_path / "calculation.png")


@pytest.mark.parametrize("dims", [(1, 1), (5, 3), (3, 8), (12, 2)])
@pytest.mark.parametrize("diff", [None, ("numerical", 0), ("forward", 0), ("backward", 0)])
def test_calculation_of_any_dimensions(dims, diff, tmp_path):
    figure, axes = graphical_representation_of_calculation(*dims, diff=diff)
    assert len(axes.texts) == 1 + sum(dims)
    assert not painted(figure, tmp_path / "calculation.png")  # nothing is cut off


def test_calculation_can_be_drawn_again_into_the_same_axes():
    figure, axes = graphical_representation_of_calculation()
    count = len(axes.get_children())
    again = graphical_representation_of_calculation(fa=(figure, axes))
    assert again == (figure, axes) and len(axes.get_children()) == count


def test_calculation_refuses_other_names_and_places():
    with pytest.raises(ValueError, match=r"diff must be .*'backward', k.*but got"):
        graphical_representation_of_calculation(diff=("reverse", 0))
    with pytest.raises(ValueError, match="out of range for 5 inputs and 3 outputs"):
        graphical_representation_of_calculation(diff=("backward", 3))
    with pytest.raises(ValueError, match="out of range"):
        graphical_representation_of_calculation(diff=("forward", -1))


@pytest.mark.parametrize("kind, frames", [("numerical", 5), ("forward", 5), ("backward", 3)])
def test_animations(kind, frames, tmp_path):
    path = animate_calculation(tmp_path / "evaluations.gif", kind, seconds=0.5)
    with Image.open(path) as animation:
        assert animation.format == "GIF" and animation.n_frames == frames and animation.info["duration"] == 500
        pictures = []
        for k in range(frames):
            animation.seek(k)
            pictures.append(animation.convert("RGB").tobytes())
    assert len(set(pictures)) == frames


def test_a_node_hands_on_values_and_sensitivities():
    _, axes = chain_rule_picture()
    colors = {}
    for text in axes.texts:
        if text.get_text():
            colors[text.get_text()] = text.get_color()
    assert [name for name, color in colors.items() if color == "C0"] == ["$x$", "$y$", "$z$"]
    back = [name for name, color in colors.items() if color == "C3"]
    assert len(back) == 3 and all(r"\frac{\partial L}{\partial z}" in name for name in back)
    assert sum(r"\frac{\partial z}{\partial" in name for name in back) == 2
