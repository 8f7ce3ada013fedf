"""What a run gave, as files: nothing of it is lost, and nothing else is touched."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from custom_nodes.discomfort.cli.failures import OutputFailed, failure_of
from custom_nodes.discomfort.cli.writing import Where, write_results
from custom_nodes.discomfort.run.results import Results

IS_FORCED = [False, True]


def saved_by(folder: Path, **files: bytes) -> list[Path]:
    """Files as nodes save them, each in a folder of its own: x_00001_.png."""
    paths = []
    for name, data in files.items():
        path = folder / "worker" / name / "x_00001_.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def files_of(told: dict) -> list[Path]:
    return [Path(file) for about in told.values() for file in about["files"]]


@pytest.mark.parametrize("is_forced", IS_FORCED)
def test_two_results_of_one_run_never_share_a_file(tmp_path, is_forced):
    saved = saved_by(tmp_path, a=b"of a", b=b"of b")
    values = {"x_00001_": np.zeros((1, 8, 8, 3), np.float32), "x": "a text"}
    values["many"] = np.zeros((2, 8, 8, 3), np.float32)
    values["many_0001"] = np.ones((1, 8, 8, 3), np.float32)
    results = Results(values, {"Save": saved[:1], "Save 2": saved[1:]})
    out = tmp_path / "out"
    told = write_results(results, Where(out, is_forced)).results
    paths = files_of(told)
    assert len({p.name.casefold() for p in paths}) == len(paths) == 7
    assert [p.read_bytes() for p in paths[-2:]] == [b"of a", b"of b"]
    again = files_of(write_results(results, Where(out, is_forced)).results)
    assert (again == paths) is is_forced
    assert len(list(out.iterdir())) == (7 if is_forced else 14)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a right there")
@pytest.mark.parametrize("is_forced", IS_FORCED)
def test_a_link_in_the_folder_is_replaced_and_never_written_through(tmp_path, is_forced):
    victim = tmp_path / "victim"
    victim.write_bytes(b"the user's")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("x_00001_.png", "text.txt", "odd.pkl"):
        (out / name).symlink_to(victim)
    (out / "n.json").symlink_to(tmp_path / "nowhere")
    values = {"text": "hello", "odd": {1: 2}, "n": 3}
    results = Results(values, {"Save": saved_by(tmp_path, a=b"of a")})
    paths = files_of(write_results(results, Where(out, is_forced)).results)
    assert victim.read_bytes() == b"the user's" and not (tmp_path / "nowhere").exists()
    assert not any(path.is_symlink() for path in paths)
    assert ((out / "n.json") in paths) is is_forced


@pytest.mark.parametrize("is_forced", IS_FORCED)
def test_what_nodes_saved_in_the_folder_itself_stays_and_is_not_copied_over(tmp_path, is_forced):
    out = tmp_path / "out"
    out.mkdir()
    there = out / "x_00001_.png"
    there.write_bytes(b"saved there")
    results = Results({}, {"Save": [*saved_by(tmp_path, a=b"of a"), there]})
    (copy, kept) = files_of(write_results(results, Where(out, is_forced)).results)
    assert (copy.read_bytes(), kept.read_bytes()) == (b"of a", b"saved there")
    assert len(list(out.iterdir())) == 2


def test_a_name_as_long_as_can_be_is_copied(tmp_path):
    path = tmp_path / f"{'n' * 251}.png"
    path.write_bytes(b"data")
    (copy,) = files_of(write_results(Results({}, {"S": [path]}), Where(tmp_path / "o")).results)
    assert copy.read_bytes() == b"data" and copy.name == path.name


def test_a_value_without_a_format_becomes_a_pickle_and_the_others_what_they_are(tmp_path):
    sound = {"waveform": np.zeros((1, 1, 100), np.float32), "sample_rate": 0}
    endless: list = []
    endless.append(endless)
    values = {
        "nan": float("nan"),
        "empty": np.zeros((1, 0, 8, 3), np.float32),
        "long": 10**5000,
        "silent": sound,
        "endless": endless,
        "fine": 3,
    }
    told = write_results(Results(values), Where(tmp_path))
    names = {name: Path(about["files"][0]).name for name, about in told.results.items()}
    assert names == {name: f"{name}.pkl" for name in values} | {"fine": "fine.json"}
    assert pickle.loads((tmp_path / "long.pkl").read_bytes()) == 10**5000
    assert told.problems == [] and any("'nan'" in note for note in told.notes)
    json.dumps(told.results, allow_nan=False)


class NoValue:
    """Can't be pickled, nor anything else."""

    def __reduce__(self):
        raise RuntimeError("not this one")


def test_what_can_not_be_written_at_all_is_named_and_the_others_are_there(tmp_path):
    gone = tmp_path / "gone.png"
    (tmp_path / "out" / "folder.txt").mkdir(parents=True)
    values = {"odd": NoValue(), "folder": "text", "fine": "text"}
    results = Results(values, {"Save": [gone, *saved_by(tmp_path, a=b"of a")]})
    told = write_results(results, Where(tmp_path / "out", is_forced=True))
    with pytest.raises(OutputFailed) as caught:
        told.check()
    failure = failure_of(caught.value)
    assert (failure.code, failure.exit_code) == ("E_OUTPUT", 1)
    for words in ("gone.png", "'odd' can't be written", "not this one", "'folder' can't"):
        assert words in failure.message
    assert (tmp_path / "out/fine.txt").read_text() == "text"
    assert failure.details["results"]["fine"]["files"] == [str(tmp_path / "out/fine.txt")]
    assert (tmp_path / "out/x_00001_.png").read_bytes() == b"of a"
    assert not list((tmp_path / "out").glob(".*"))
