"""Other notations as words and ``name=value``."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.fields import Fields, numbers
from prerank.surrogate.plain_text import plain

SPACES = [
    "nas_bench_101",
    "nas_bench_201",
    "fbnet",
    "ofa",
    "accel_nasbench",
    "nas_bench_macro",
    "nas_bench_graph",
    "nds",
    "kernel_configs",
]
STATED = {"batch": 2.0, "rate": 1e-5, "depth": -3.0}


@pytest.mark.parametrize(
    "text",
    [
        "batch=2 rate=1e-5 depth=-3",
        "batch=2,rate=1e-5,depth=-3",
        "--batch 2 --rate 1e-5 --depth -3",
        "--batch=2 --rate=1e-5 --depth=-3",
        "run(batch=2, rate=1e-5, depth=-3)",
        "batch: 2\nrate: 1e-5\ndepth: -3\n",
        "batch\t2\trate\t1e-5\tdepth\t-3",
        "<run>\n  <batch>2</batch>\n  <rate>1e-5</rate>\n  <depth>-3</depth>\n</run>",
        '<run><batch id="a">2</batch><rate>1e-5</rate><none></none><depth>-3</depth></run>',
        '<run batch="2" rate="1e-5" depth="-3"/>',
        "batch=2px rate=1e-5s depth=-3%",
        json.dumps(STATED),
        json.dumps({"config": [{name: {"value": value}} for name, value in STATED.items()]}).replace("value", "is"),
    ],
)
def test_numbers_are_read_in_every_notation(text: str) -> None:
    read = numbers(text)
    assert [value for value in STATED.values()] == [*read.values()]


def test_numbers_have_the_names_before_them() -> None:
    assert numbers("run(batch=2, sizes=[3, 4], rate=.5)") == {"batch=": 2, "sizes=": 3, "sizes#1=": 4, "rate=": 0.5}
    assert numbers("for i in range(190):\n    total += x[7]") == {"range=": 190, "x=": 7}
    assert numbers("64,128,3") == {"=": 64, "#1=": 128, "#2=": 3}


@pytest.mark.parametrize(
    "text",
    [
        "tile=16x8",
        "tile=16,8",
        "tile=(16,8)",
        "tile: 16x8",
        "--tile 16x8",
        "--tile=16/8",
        '{"tile": "16x8"}',
        "tile 16 8",
    ],
)
def test_of_several_numbers_each_counts(text: str) -> None:
    assert numbers(f"{text} rate=0.5") == {"tile=": 16, "tile#1=": 8, "rate=": 0.5}


def test_numbers_without_a_name_go_by_their_places() -> None:
    assert numbers("2 4 1e-5") == numbers("| 2 | 4 | 1e-5 |") == {"=": 2, "#1=": 4, "#2=": 1e-5}


def test_a_name_that_occurs_twice_has_both_numbers() -> None:
    assert numbers("width=8 conv3x3<0 width=16") == {"width=": 8, "width#1=": 16}
    assert plain("width=8 width conv3x3<0 width=16").split() == ["width=8", "width", "conv3x3<0", "width#1=16"]


def test_words_have_the_names_before_them() -> None:
    assert "kernel=rbf" in plain('{"kernel": "rbf", "shrinking": true}').split()
    assert "shrinking=true" in plain('{"kernel": "rbf", "shrinking": true}').split()
    assert "kernel=rbf" in plain("--kernel rbf").split()
    assert "kernel=rbf" in plain("<svm><kernel>rbf</kernel></svm>").split()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"op": "attn", "w": 8}, {"op": "conv", "w": 4}, {"op": "attn", "w": 2}]),
        json.dumps({"op": ["attn", "conv", "attn"], "w": [8, 4, 2]}),
        "- op: attn\n  w: 8\n- op: conv\n  w: 4\n- op: attn\n  w: 2\n",
        "op: [attn, conv, attn]\nw: [8, 4, 2]\n",
        "op:\n  - attn\n  - conv\n  - attn\nw: [8, 4, 2]\n",
        "Net(op=('attn', 'conv', 'attn'), w=(8, 4, 2))",
        "--op attn --w 8 --op conv --w 4 --op attn --w 2",
        "<stage><op>attn</op><w>8</w></stage><stage><op>conv</op><w>4</w></stage><stage><op>attn</op><w>2</w></stage>",
    ],
)
def test_words_of_a_repeated_name_count_and_so_do_their_places(text: str) -> None:
    words = plain(text).split()
    assert [words.count(word) for word in ("op=attn", "op=conv", "w=8")] == [2, 1, 1]
    assert {"op#0=attn", "op#1=conv", "op#2=attn", "w#1=4", "w#2=2"} <= {*words}


def test_what_follows_a_list_is_not_of_it() -> None:
    assert plain('{"op": ["a", "b"], "act": "relu"}').split()[-2:] == ["act", "act=relu"]
    assert plain("x = foo(a, b)\ny = a, b").split() == ["x", "x=foo", "a", "b", "y", "y=a", "b"]


UNITED = [
    "mem={}MB b={}s c={}%",
    "mem: {}MB\nb: {}s\nc: {}%",
    "--mem={}MB --b={}s --c={}%",
    "--mem {}MB --b {}s --c {}%",
    '{{"mem": "{}MB", "b": "{}s", "c": "{}%"}}',
    'mem = "{}MB"\nb = "{}s"\nc = "{}%"',
    "run(mem='{}MB', b='{}s', c='{}%')",
    "mem {}MB;\nb {}s;\nc {}%;",
    "<mem>{}MB</mem><b>{}s</b><c>{}%</c>",
    "mem {}MB with b {}s and c {}%.",
    "mem{}MB_b{}s_c{}%",
    "mem{}MB b{}s c{}%",
]


@given(
    st.sampled_from(UNITED), st.integers(0, 10**6), st.floats(0, 100).map(lambda x: round(x, 3)), st.integers(0, 100)
)
def test_numbers_with_units_are_read_in_every_notation(notation: str, mem: int, b: float, c: int) -> None:
    read = numbers(notation.format(mem, b, c).replace("and c", "c"))
    assert [*read.values()] == [mem * 1e6, b, c]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("512MB,4s,20%", {"=": 512e6, "#1=": 4, "#2=": 20}),
        ("12L x 64px, 8 heads", {"=": 12, "x=": 64, "x#1=": 8}),
        ("client_body 8k;\nrate=5r/s;", {"client_body=": 8000, "rate=": 5}),
        ("a pool of 2GB/4MB", {"of=": 2e9, "of#1=": 4e6}),
    ],
)
def test_numbers_with_units_have_the_names_before_them(text: str, stated: dict[str, float]) -> None:
    assert numbers(text) == stated


def test_a_unit_that_does_not_scale_is_a_word() -> None:
    assert plain("wait=5m") == "wait=5m wait=m"
    assert plain("wait: 5m") == "wait wait=5m wait=m"
    assert plain("wait=5s") == "wait=5s"
    assert plain("a=1 a=20%").split() == ["a=1", "a#1=20%", "a#1=%"]


@pytest.mark.parametrize("space", SPACES)
def test_texts_of_spaces_stay_as_they_are(space: str) -> None:
    module = import_module(f"prerank.search_spaces.{space}")
    texts = [module.to_text(own) for own in module.sample(np.random.default_rng(0), 20)]
    assert [plain(text) for text in texts] == texts


def test_a_text_of_a_network_stays_as_it_is() -> None:
    text = "params_m=0.59 ops=30\nlinear_macs_m=0.1\ninput:1x16x192\n6*( linear+add+relu add~1,5 layernorm )\n"
    assert plain(text) == text
    assert plain(loop := f"{text} loop.turns3~1 {{ linear:1x8 add~1,4 }}") == loop


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert np.isfinite(Fields([text, "a=1"])([text])).all()
    assert not {"\n", "\t"} & {*plain(text)} or plain(text) == text


def test_many_commas_are_passed_over_in_time() -> None:
    text = ", ".join(["import"] * 60_000)  # some hours, if every comma were tried as the last one
    assert plain(text).startswith("import import")
    assert plain(text + " a=1").endswith("a=1")
    assert plain("1," * 60_000 + "a").endswith("a")


@pytest.mark.parametrize(
    "part", ["1", "a", "a1", "a1_", "a1e-", "1M", "=1M", "1M ", "a1 ", "a1, ", " ", "1a/", "<a>1", "<a ", "</a>"]
)
@pytest.mark.parametrize("end", ["", "!", "_", "a1_b2"])
def test_long_words_are_passed_over_in_time(part: str, end: str) -> None:
    text = part * 30_000 + end  # hours, if it were tried in more than a few ways
    assert plain(text) or not text.strip()


def test_a_long_number_that_is_none_is_passed_over_in_time() -> None:
    assert not numbers("x=" + "1" * 60_000 + "____")  # half a minute, if it were cut anywhere


@pytest.mark.parametrize("joint", ["|", "/", "+", "~", ">", "->", "-", ";"])
def test_the_parts_of_a_text_without_blanks_are_words(joint: str) -> None:
    assert plain(joint.join(["conv3x3", "skip", "k3_pool"])).split() == ["conv3x3", "skip", "k3_pool"]


def test_what_looks_like_joints_within_words_is_left() -> None:
    for text in ("resnet-18d", "a/b", "silver-4114 x", "a|b|c d"):
        assert plain(text).split() == text.split()
    assert [number for number in map(number_of, plain("64-128-256").split())] == [64, 128, 256]


def test_a_number_before_a_colon_is_a_name() -> None:
    assert plain("0: conv3x3\n1: skip").split() == ["0=conv3x3", "1=skip"]
    assert plain("{0: 64, 1: 128}").split() == ["0=64", "1=128"]
    assert plain("stage 0: attn, 3 blocks").split()[:2] == ["stage", "0=attn"]


def number_of(word: str) -> float:
    return float(word.partition("=")[2])


def test_the_numbers_joined_to_an_operation_are_its_own() -> None:
    assert plain("attn3x3_w48_n2 conv5x5_w64_n1").split() == [
        "attn3x3", "w=48", "n=2", "conv5x5", "w#1=64", "n#1=1"
    ]  # fmt: skip
    assert plain("conv3x3_c64 relu").split() == ["conv3x3", "c=64", "relu"]
    for text in ("sep_conv_3x3 skip", "conv3x3_bn relu", "mbconv5x5e6c40 skip"):
        assert plain(text) == text
