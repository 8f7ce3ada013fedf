"""Values through the codec: every kind comes back equal, data needs no code, and nothing is
copied twice.
"""

from __future__ import annotations

import collections
import datetime
import importlib
import importlib.util
import io
import pickle
import re
import sys
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from custom_nodes.discomfort import errors
from custom_nodes.discomfort.store.encoding import codec, layout
from custom_nodes.discomfort.store.encoding.describe import AsTensor
from custom_nodes.discomfort.store.encoding.unopened import UnopenedValue
from custom_nodes.discomfort.values.images import save_comfy_image_to_disk
from custom_nodes.discomfort.values.json_form import serialize
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def written(value) -> bytearray:
    encoded = codec.encode(value)
    block = bytearray(encoded.total_bytes)
    block[: layout.HEADER_BYTES] = encoded.header("t0k3n_v3rs10n")
    for offset, data in encoded.pieces:
        block[offset : offset + len(data)] = data
    return block


def round_trip(value, trusted=False):
    return codec.decode(memoryview(written(value)), trusted)


DTYPES = sorted({d for d in vars(torch).values() if isinstance(d, torch.dtype)}, key=str)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensor_of_every_dtype_keeps_dtype_shape_and_bytes(dtype):
    if str(dtype).startswith(("torch.qu", "torch.qi")):
        if "x" in str(dtype):
            return  # torch can't make one without its embedding-bag packing
        tensor = torch.quantize_per_tensor(torch.ones(3, 2), 0.5, 1, dtype)
        assert torch.equal(round_trip(tensor, trusted=True).dequantize(), tensor.dequantize())
        return
    tensor = torch.empty(3, 2, dtype=dtype)
    raw = torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
    raw.copy_(torch.arange(len(raw)) % 2)
    loaded = round_trip(tensor)
    assert loaded.dtype == dtype and loaded.shape == tensor.shape
    assert torch.equal(torch.empty(0, dtype=torch.uint8).set_(loaded.untyped_storage()), raw)


def test_strides_zero_size_scalars_and_expanded_tensors():
    base = torch.arange(24.0).reshape(2, 3, 4)
    for t in (
        base.permute(2, 0, 1), base[:, 1], base[..., ::2], torch.tensor(5), torch.empty(0, 3),
        torch.ones(1).expand(1000, 1000), base.to(memory_format=torch.contiguous_format),
    ):  # fmt: skip
        loaded = round_trip(t)
        assert torch.equal(loaded, t) and loaded.shape == t.shape
    assert len(written(torch.ones(1).expand(1000, 1000))) < 1000
    assert len(written(torch.ones(1000, 1000)[:, 5])) < 10_000  # a thin slice of something large


def test_overlapping_views_still_share_and_one_object_stays_one():
    base = torch.zeros(1000)
    a, b, c, same = round_trip([base[:500], base[400:600], base[900:], base[900:]])
    a[450] = 1
    assert b[50] == 1 and not c.any()
    t = torch.ones(3)
    x, y = round_trip([t, t])
    assert x is y and same is not c


def test_grad_parameters_conjugates_and_inference_tensors():
    leaf = torch.ones(3, requires_grad=True)
    assert round_trip(leaf).requires_grad and torch.equal(round_trip(leaf * 2), leaf.detach() * 2)
    loaded = round_trip(torch.nn.Parameter(torch.ones(2), requires_grad=False))
    assert type(loaded) is torch.nn.Parameter and not loaded.requires_grad
    z = torch.tensor([1 + 2j]).conj()
    assert torch.equal(round_trip(z), z.resolve_conj())
    with torch.inference_mode():
        made = torch.ones(3)
        assert torch.equal(round_trip({"samples": made})["samples"], made)
    assert torch.equal(round_trip(made), torch.ones(3))
    round_trip(made).add_(1)  # what is loaded is a normal tensor


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sparse_nested_and_comfys_nested_tensors():
    sparse = torch.eye(3).to_sparse()
    assert torch.equal(round_trip(sparse).to_dense(), torch.eye(3))
    nested = torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)])
    assert [len(t) for t in round_trip(nested).unbind()] == [2, 3]
    compressed = torch.eye(3).to_sparse_csr()
    assert torch.equal(round_trip(compressed, trusted=True).to_dense(), torch.eye(3))

    class NestedTensor:
        def __init__(self, tensors):
            self.tensors, self.is_nested = list(tensors), True

    loaded = round_trip({"samples": NestedTensor([torch.ones(2), torch.ones(3)])})["samples"]
    assert loaded.is_nested and [len(t) for t in loaded.unbind()] == [2, 3]
    again = round_trip(loaded)
    assert [len(t) for t in again.tensors] == [2, 3]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3).T, np.arange(10)[::-2],
        np.array(3.5),
        np.empty((0, 4)), np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", ">f8")]),
        np.array(["x", "long"]), np.array([b"x"]), np.array(["2020-01-01"], "datetime64[D]"),
        np.arange(3, dtype=">i4"), np.array([1, "a", [2], None], dtype=object),
        np.zeros(3, np.float16), np.array([1 + 2j]),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)  # fmt: skip
def test_numpy_arrays(array):
    loaded = round_trip(array)
    assert loaded.dtype == array.dtype and loaded.shape == array.shape
    assert np.array_equal(loaded, array) and loaded.flags.writeable


def test_numpy_scalars_dtypes_and_torch_things():
    value = [
        np.float32(1.5), np.int64(3), np.bool_(True), np.str_("x"), np.datetime64("2020-01-01"),
        np.dtype("f4"), torch.float8_e4m3fn, torch.Size([1, 2]), torch.device("cpu"),
    ]  # fmt: skip
    loaded = round_trip(value)
    assert loaded == value and [type(x) for x in loaded] == [type(x) for x in value]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16", "LA"])
def test_pictures_of_every_mode(mode):
    picture = Image.new(mode, (7, 5))
    picture.info["dpi"] = (72, 72)
    if mode == "P":
        picture.putpalette([1, 2, 3] * 256)
    loaded = round_trip(picture)
    assert loaded.mode == mode and loaded.size == (7, 5) and loaded.tobytes() == picture.tobytes()
    assert loaded.getpalette() == picture.getpalette() and loaded.info["dpi"] == (72, 72)


def test_values_of_comfyui_are_data():
    latent = {"samples": torch.ones(1, 4, 8, 8), "noise_mask": torch.ones(1, 64, 64)}
    audio = {"waveform": torch.ones(1, 2, 1000), "sample_rate": 44100}
    for value in (latent, audio, [torch.ones(2)] * 3, "text", 5, None):
        assert codec.encode(value).is_safe


def test_an_array_is_stored_as_the_tensor_that_it_stands_for():
    whole = np.linspace(0, 1, 24, dtype=np.float32).reshape(1, 2, 4, 3)
    for array in (whole, whole[:, :, ::2], whole[:0], whole.astype(np.float64)):
        value = {"a": AsTensor(array), "b": [AsTensor(array)]}
        assert codec.encode(value).is_safe
        loaded = round_trip(value)
        for tensor in (loaded["a"], loaded["b"][0]):
            assert tensor.dtype is torch.float32
            assert torch.equal(tensor, torch.tensor(array).float())


class Thing:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


asked: list[str] = []


class AnswersNone:
    """Like ComfyUI's model configurations: whatever one asks for is there, and is None."""

    def __getattr__(self, name):
        asked.append(name)


class Slotted(AnswersNone):
    __slots__ = ("depth", "unset")


class Attributes(dict):
    """A dict whose keys are attributes, as many have it."""

    __getattr__ = dict.get
    __setattr__ = dict.__setitem__


class Steps(AnswersNone, list):
    pass


class Proxy:
    """Looks into itself for everything, which fails while it is still empty."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)


class OwnState(AnswersNone):
    def __getstate__(self):
        return {"weights": self.weights, "cache": None}


class OwnWay(AnswersNone):
    def __reduce__(self):
        return OwnWay, (), {"size": self.size}


class Frozen(AnswersNone):
    """One that sets its state itself."""

    def __setstate__(self, state):
        self.__dict__.update(state, was_set=True)


def with_state(made, **state):
    made.__dict__.update(state)
    return made


def test_objects_that_answer_whatever_one_asks_are_made_again():
    weights = torch.ones(3)
    one: Any = with_state(AnswersNone(), weights=weights, size=1)
    one.me = one
    slotted = with_state(Slotted(), size=2)
    slotted.depth = 3
    steps = with_state(Steps([1, weights]), size=4)
    values = {
        "one": one, "slotted": slotted, "attributes": Attributes(width=8, inner=Attributes(x=1)),
        "steps": steps, "proxy": Proxy(Thing(5)), "weights": weights, "empty": AnswersNone(),
        "own state": with_state(OwnState(), weights=weights, cache=4),
        "own way": with_state(OwnWay(), size=6), "frozen": with_state(Frozen(), size=7),
    }  # fmt: skip
    asked.clear()
    loaded = round_trip(values, trusted=True)
    assert asked == []
    assert loaded["one"].size == 1 and loaded["one"].me is loaded["one"]
    assert loaded["one"].weights is loaded["weights"] is loaded["steps"][1]
    assert torch.equal(loaded["weights"], weights)
    assert type(loaded["slotted"]) is Slotted
    assert (loaded["slotted"].size, loaded["slotted"].depth) == (2, 3)
    assert loaded["slotted"].unset is None
    assert loaded["attributes"] == values["attributes"] and loaded["attributes"].inner.x == 1
    assert vars(loaded["attributes"]) == {}
    assert type(loaded["steps"]) is Steps and loaded["steps"][0] == 1 and loaded["steps"].size == 4
    assert loaded["proxy"].x == 5 and vars(loaded["empty"]) == {}
    assert vars(loaded["own state"]).keys() == {"weights", "cache"}
    assert loaded["own state"].cache is None
    assert loaded["own way"].size == 6 and loaded["frozen"].was_set and loaded["frozen"].size == 7


class AnswersWrong(AnswersNone):
    """Nothing can be known of its own way to be made again."""

    def __setstate__(self, state):
        raise AttributeError("no state of mine")


def test_an_object_that_loads_not_says_what_to_do():
    with pytest.raises(TypeError, match='set its type to "ref"'):
        round_trip(with_state(AnswersWrong(), size=1), trusted=True)


@pytest.mark.parametrize("then", ["", "raise RuntimeError('this machine has no GPU')"])
def test_a_value_of_a_module_that_is_not_here_is_kept_as_it_is(tmp_path, monkeypatch, then):
    """A module that raises when it is imported is none, either."""
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "away_from_here.py"
    source.write_text("class Video:\n    frames = 3\n")
    module = importlib.import_module("away_from_here")
    block = memoryview(written([module.Video(), torch.ones(3)]))
    head = layout.read_header(block)
    assert len(codec.decode_or_keep(block, True, "here", head)) == 2
    monkeypatch.delitem(sys.modules, "away_from_here")
    source.write_text(then) if then else source.unlink()
    importlib.invalidate_caches()
    with pytest.raises(ImportError, match="away_from_here.*pass_by_rules"):
        codec.decode(block)
    kept = codec.decode_or_keep(block, True, "here", head)
    assert isinstance(kept, UnopenedValue) and kept and "away_from_here" in repr(kept)
    for touch in (lambda: kept.frames, lambda: len(kept), lambda: kept[0], lambda: list(kept),
                  lambda: kept(), lambda: pickle.dumps(kept)):  # fmt: skip
        with pytest.raises(errors.UnopenedValueError, match=r"away_from_here.*pass_by_rules\.json"):
            touch()
    assert getattr(kept, "shape", ()) == ()
    again = codec.encode(kept)
    assert not again.is_safe and not again.is_list
    assert bytes(written(kept)) == bytes(block)
    with pytest.raises(errors.UnopenedValueError, match="By itself"):
        codec.encode([kept])


@pytest.mark.parametrize("trusted", [True, False])
def test_a_tensor_where_there_is_no_torch_says_what_to_do(tmp_path, monkeypatch, trusted):
    block = memoryview(written(torch.ones(1, 4, 4, 3)))
    monkeypatch.setitem(sys.modules, "torch", None)  # so an import of it fails
    kept = codec.decode_or_keep(block, trusted, "here", layout.read_header(block))
    what_to_do = rf"no torch: {re.escape(sys.executable)}\. Install torch there"
    for touch in (
        lambda: kept.std(),
        lambda: save_comfy_image_to_disk(kept, tmp_path / "picture.png"),
        lambda: serialize({"picture": [kept]}),
    ):
        with pytest.raises(errors.UnopenedValueError, match=what_to_do):
            touch()
    assert not (tmp_path / "picture.png").exists()


@pytest.fixture
def node_module(tmp_path):
    """A module as ComfyUI loads nodes of one file: under its path, here one with a dot in it."""
    folder = tmp_path / ".cache"
    folder.mkdir()
    source = folder / "nodes_noise.py"
    source.write_text(
        "class Noise:\n    class Inner:\n        pass\n    seed = 7\ndef make():\n    return 5\n"
    )
    name = str(source.with_suffix(""))
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(name, None)


def test_classes_of_modules_that_import_does_not_find_are_found(node_module):
    kind = node_module.Noise
    value = [kind(), kind, kind.Inner(), node_module.make]
    block = memoryview(written(value))
    assert not layout.read_header(block).is_safe
    with pytest.raises(errors.UntrustedValueError):
        codec.decode(block, trusted=False)
    loaded = codec.decode(block)
    assert type(loaded[0]) is kind and loaded[1] is kind and type(loaded[2]) is kind.Inner
    assert loaded[3] is node_module.make
    del sys.modules[node_module.__name__]
    with pytest.raises(ImportError, match=r"nodes_noise\.Noise.*pass_by_rules"):
        codec.decode(block)


@pytest.mark.parametrize("pid", [("set_state",), ("named", "os", "getpid"), (0, "set_state")])
def test_a_stream_that_claims_to_be_data_finds_no_functions(pid):
    class Names(pickle.Pickler):
        def persistent_id(self, obj):
            return pid if obj == "function" else None

    file = io.BytesIO()
    Names(file, protocol=5).dump("function")
    stream = file.getvalue()
    evil = layout.Encoded(
        layout.HEADER_BYTES + len(stream), True, len(stream), 0, zlib.crc32(stream)
    )
    block = memoryview(bytearray(evil.header("v")) + stream)
    for trusted in (True, False):
        with pytest.raises(errors.CorruptValueError):
            codec.decode(block, trusted)


def test_other_objects_need_code_and_say_so():
    inner = Thing(torch.ones(3))
    for value in (inner, [inner], lambda: 5, Thing, len, ValueError("x"), torch.nn.Linear(2, 2)):
        block = memoryview(written(value))
        assert not layout.read_header(block).is_safe
        with pytest.raises(errors.UntrustedValueError):
            codec.decode(block, trusted=False)
        codec.decode(block, trusted=True)
    assert round_trip(lambda: 5, trusted=True)() == 5


def test_stream_that_claims_to_be_data_but_names_code_is_refused():
    class Evil:
        def __reduce__(self):
            return eval, ("1/0",)

    stream = pickle.dumps(Evil(), protocol=5)
    good = codec.encode(None)
    evil = layout.Encoded(layout.HEADER_BYTES + len(stream), True, len(stream), 0, 0)
    evil.crc = zlib.crc32(stream)
    block = bytearray(evil.header("v")) + stream
    for trusted in (True, False):
        with pytest.raises(errors.UntrustedValueError, match="eval"):
            codec.decode(memoryview(block), trusted)
    assert good.is_safe


def test_large_bytes_are_not_copied_into_a_stream_first():
    data = bytes(50_000_000)
    import tracemalloc

    tracemalloc.start()
    encoded = codec.encode({"b": data, "t": np.zeros(50_000_000, np.uint8)[:25_000_000]})
    peak = tracemalloc.get_traced_memory()[1] - 50_000_000
    tracemalloc.stop()
    assert peak < 1_000_000 and encoded.total_bytes > 75_000_000


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.complex_numbers(allow_nan=False) | st.dates() | st.timedeltas()
    | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    | st.sets(st.integers()) | st.frozensets(st.text()),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(plain)
def test_any_builtin_value_comes_back_equal_and_as_data(value):
    loaded = round_trip(value)
    assert loaded == value and type(loaded) is type(value)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 10), st.integers(1, 3)), min_size=1, max_size=8
    )
)
def test_any_views_of_one_storage_come_back_equal(cuts):
    base = torch.arange(100)
    views = [base[a : a + n : step] for a, n, step in cuts]
    for loaded, view in zip(round_trip(views), views, strict=True):
        assert torch.equal(loaded, view)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_damaged_byte_of_header_table_or_stream_is_an_error_never_a_crash(at, flip):
    value = {"t": torch.arange(4), "n": np.arange(3), "s": "text" * 10}
    block = written(value)
    head = layout.read_header(memoryview(block))
    end = layout.HEADER_BYTES + head.rows * 32 + head.stream_bytes
    at %= end
    block[at] ^= flip
    if 32 <= at < layout.HEADER_BYTES:
        return  # the version and the padding, which the store compares itself
    try:
        loaded = codec.decode(memoryview(block))
    except errors.StoreError:
        return
    assert at < 8 and loaded["s"] == value["s"]  # a flag that changes nothing of the value


def test_ordered_and_default_dicts_and_dates():
    value = [
        collections.OrderedDict(a=1), collections.defaultdict(list, x=[1]),
        collections.deque([1], 3),
        datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), slice(1, 2), range(3), ...,
    ]  # fmt: skip
    assert round_trip(value) == value
