"""Tests the table's file: every kind of bad table, what its values follow from, and the devices it is valid for."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from experiments.config import Config, DeviceConfig, MeasureConfig, TablesConfig
from experiments.display import events
from experiments.steps import measure as measuring
from experiments.steps.measure import timing_files
from experiments.steps.plan import measure as measure_command
from experiments.steps.report import slower_layers
from experiments.tables import tables
from predictors.board.fingerprint import KEYS, deciding
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import again, assemble, derive, file_name, rows_of_table, timed_files
from predictors.tables.comparison import compare
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import SEAL, dump, load
from predictors.tables.verify import problems
from predictors.timing.blocks import all_specs, block_specs, computing, networks_to_time
from predictors.timing.rounds import Protocol, Round, measure
from predictors.timing.values import Value
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Skip, Spec
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from tests.commands import Here

SPACE = tiny(1, 16, 10)
QUIET = Disturbance()
PASSPORT = {
    "model": "Raspberry Pi 5 Model B Rev 1.0",
    "cpu": "Cortex-A76",
    "machine": "aarch64",
    "cores": "0-3",
    "quota": "none",
    "clock_max_khz": "2400000",
    "clock_cap_khz": "2400000",
    "governor": "performance",
    "turbo": None,
    "power": "mains",
    "onnxruntime": "1.24.1",
    "kernel": "6.12.34",
}


def true_seconds(specs: tuple[Spec, ...], precision: str) -> float:
    """INT8 halves the time of arithmetic, but some layers lose: k5 in the third layer takes longer."""
    arithmetic = sum(1e-11 * macs((spec,)) for spec in specs)
    lost = sum(2e-5 for spec in specs if isinstance(spec, MBConv) and (spec.kernel, spec.in_channels) == (5, 24))
    return 1e-5 + 1e-6 * len(specs) + (arithmetic if precision == "fp32" else arithmetic / 2 + lost)


@cache
def simulated_table(disturbance: Disturbance = QUIET, seed: int = 0, space: SearchSpace = SPACE) -> LatencyTable:
    """Measures the table of the tiny space on a simulated board."""
    archs = networks_to_time(space, 5, 0)
    blocks = block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    named = {file_name(precision, i): (s, precision) for precision in ("fp32", "int8") for i, s in enumerate(specs)}
    files = {name: name.encode() for name in named}
    board = SimulatedBoard(lambda onnx: true_seconds(*named[onnx.decode()]), disturbance, seed, PASSPORT)
    rows = rows_of_table(blocks, [computing(space.decode(arch)) for arch in archs], timed_files(files, specs))
    rounds = list(measure(board, files, Protocol(), rows=rows))
    return assemble(space, blocks, archs, specs, files, rounds, board.passport, Protocol())


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return simulated_table()


@cache
def text_of_table() -> str:
    return dump(simulated_table())


@pytest.fixture(scope="module")
def text() -> str:
    return text_of_table()


def body(content: dict[str, object]) -> str:
    """Returns a table's text without its seal, formatted as by `dump`."""

    def lines(value: object) -> str:
        return "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value)

    listed = {key: value for key, value in content.items() if key not in ("reference", "sha256")}
    texts = {key: lines(value) for key, value in listed.items()}
    texts |= {"reference": json.dumps(content["reference"])} if "reference" in content else {}
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {texts[key]}" for key in content if key in texts)


def sealed(content: dict[str, object]) -> str:
    """Returns a table's text with a valid seal, whatever its content."""
    return f'{body(content)}{SEAL}{hashlib.sha256(body(content).encode()).hexdigest()}"\n}}\n'


# Valid tables


def test_a_table_survives_its_file(table: LatencyTable, text: str) -> None:
    assert load(text) == table
    assert dump(load(text)) == text


def test_a_table_follows_from_its_raw_samples(table: LatencyTable, text: str) -> None:
    assert again(load(text)) == table
    assert problems(load(text)) == []


def test_networks_too_far_apart_still_predict_a_time_for_each(table: LatencyTable) -> None:
    """Every whole network takes ten times as long as the one before: a fit of three terms would give negative times."""
    times = {computing(SPACE.decode(row.arch)): 10.0 ** (i % 5) for i, row in enumerate(table.networks)}
    factor = {timed.name: times.get(timed.specs, 1.0) for timed in table.timed}
    rounds = [
        dataclasses.replace(one, seconds=tuple(factor[name] * s for name, s in zip(one.order, one.seconds)))
        for one in table.rounds
    ]
    blocks = list(dict.fromkeys(spec for _, spec in table.rows))
    archs = list(dict.fromkeys(row.arch for row in table.networks))
    derived = derive(SPACE, blocks, archs, table.timed, rounds, table.passport, table.protocol)
    assert all(row.held_out > 0 for row in derived.networks)
    assert any((one.intercept, one.layer) == (0, 0) and one.slope > 0 for one in derived.corrections.values())


def test_the_file_has_one_record_a_line(table: LatencyTable, text: str) -> None:
    lines = [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith('{"before"')]
    assert len(lines) == len(table.rounds)
    assert lines[0]["seconds"] == list(table.rounds[0].seconds)


def test_rejected_samples_are_kept_with_their_reason() -> None:
    disturbed = simulated_table(Disturbance(busy=(2.0, 4.0), throttled=((6.0, 7.0, 0x4),)))
    stored = load(dump(disturbed))
    assert stored.verdict.state == "throttled"
    reasons = {rejection.reason.split(" (")[0] for rejection in stored.verdict.rejected}
    assert "throttling" in reasons
    assert any("apart" in reason for reason in reasons)
    assert stored.rounds == disturbed.rounds
    quiet, predict = simulated_table().predictor(SPACE, "fp32"), stored.predictor(SPACE, "fp32")
    assert predict(SPACE.reference) / quiet(SPACE.reference) == pytest.approx(1, rel=0.03)


def test_layers_that_int8_slows_down_are_found_and_no_others(table: LatencyTable) -> None:
    slower = [spec for spec, _, _ in table.slower_in_int8()]
    truly = [
        spec for spec in block_specs(SPACE) if isinstance(spec, MBConv) and (spec.kernel, spec.in_channels) == (5, 24)
    ]
    assert slower == truly != []


def test_the_report_counts_them_in_one_line_and_names_the_worst(table: LatencyTable) -> None:
    line = slower_layers(SPACE, table, Path("report/table.csv"))
    slower = {spec: int8.seconds / fp32.seconds for spec, fp32, int8 in table.slower_in_int8()}
    options = [spec for specs in SPACE.layers for spec in specs if spec.convs]
    count = sum(spec in slower for spec in options)
    assert f"in {count} of {len(options)} layer options" in line
    layer, option = (int(word) for word in re.findall(r"layer (\d+), option (\d+)", line)[0])
    assert slower[SPACE.layers[layer][option]] == max(slower.values())
    assert line.endswith("report/table.csv")
    assert "\n" not in line


def test_without_any_the_report_says_nothing(table: LatencyTable) -> None:
    fast = {key: dataclasses.replace(row, low=0.0) for key, row in table.rows.items()}
    assert slower_layers(SPACE, dataclasses.replace(table, rows=fast), Path("table.csv")) == ""


def test_intervals_that_overlap_are_no_warning(table: LatencyTable) -> None:
    (spec, fp32, int8), *_ = table.slower_in_int8()
    wide = {("fp32", spec): Value(fp32.seconds, fp32.low, int8.seconds)}
    assert spec not in [s for s, _, _ in dataclasses.replace(table, rows={**table.rows, **wide}).slower_in_int8()]


# Invalid tables

NO_NUMBERS = [float("nan"), float("inf"), None, "1e-5", True, 1]


@pytest.mark.parametrize(
    ("key", "bad"),
    [(key, bad) for key in ("seconds", "low", "high") for bad in NO_NUMBERS] + [("seconds", 0.0), ("seconds", -1e-5)],
)
def test_a_row_without_a_positive_number_is_named(text: str, key: str, bad: object) -> None:
    content = json.loads(text)
    content["rows"][3][key] = bad
    with pytest.raises(LutraError, match=r"row 3 .*MBConv") as caught:
        load(json.dumps(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("unit", None), ("unit", "ms"), ("precision", "int4"), ("status", "failed"), ("layer", {"type": "Conv"})],
)
def test_a_row_of_another_kind_is_named(text: str, key: str, value: object) -> None:
    content = json.loads(text)
    content["rows"][5][key] = value
    with pytest.raises(LutraError, match="row 5"):
        load(json.dumps(content))


def test_a_row_that_stands_twice_is_named(text: str) -> None:
    content = json.loads(text)
    content["rows"][7] = {**content["rows"][6], "seconds": 1.0}
    with pytest.raises(LutraError, match=r"row 7 .*twice"):
        load(json.dumps(content))


@pytest.mark.parametrize(
    "bad", ["", "[]", "{}", "null", '{"schema": "lutra/latency-table/1"}', '{"rows": [', "[" * 100_000]
)
def test_no_table_at_all(bad: str) -> None:
    with pytest.raises(LutraError, match="measure it again"):
        load(bad)


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(list('0123456789.,:-e"{}[] \n'))


@given(st.data())
@settings(max_examples=120)
def test_one_changed_character_is_found(data: st.DataObject) -> None:
    text = text_of_table()
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["replace", "insert", "remove", "cut"]))
    put = "" if change in ("remove", "cut") else data.draw(CHARACTERS)
    rest = "" if change == "cut" else text[place + (change != "insert") :]
    changed = text[:place] + put + rest
    assume(changed != text)
    refused(changed)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Returns the paths to all values in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *places(item, (*path, key))]]


@cache
def places_of_table() -> list[tuple[object, ...]]:
    return places(json.loads(text_of_table()))


MUTATIONS: dict[str, Callable[[object], object]] = {
    "nothing": lambda value: None,
    "not a number": lambda value: float("nan"),
    "text": lambda value: f"{value} ",
    "number": lambda value: value * 1.0000001 + 1e-12 if isinstance(value, float) else 7,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
}


@given(st.data())
@settings(max_examples=60)
def test_one_changed_field_is_found(data: st.DataObject) -> None:
    text = text_of_table()
    content, seal = json.loads(text), text[text.index(SEAL) :]
    assert body(content) + seal == text
    top = data.draw(st.sampled_from([key for key in content if key != "sha256"]))
    *path, last = data.draw(st.sampled_from([place for place in places_of_table() if place[0] == top]))
    holder = content
    for key in path:
        holder = holder[key]
    kind = data.draw(st.sampled_from(["remove", "add", *MUTATIONS]))
    if kind == "remove":
        del holder[last]
    elif kind == "add" and isinstance(holder, dict):
        holder["more"] = holder[last]
    elif kind == "add":
        holder.append(holder[last])
    else:
        holder[last] = MUTATIONS[kind](holder[last])
    assume(body(content) + seal != text)
    refused(body(content) + seal)
    with contextlib.suppress(LutraError):  # sealed again, it loads or is refused in one line
        load(sealed(content))


def refused(changed: str) -> None:
    with pytest.raises(LutraError) as caught:
        load(changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [0, -1e-5, 1, "1e-5", None, float("nan"), float("inf")])
def test_a_sample_that_is_no_positive_number_is_named(text: str, bad: object) -> None:
    content = json.loads(text)
    content["rounds"][4]["seconds"][7] = bad
    with pytest.raises(LutraError, match="round 4 "):
        load(sealed(content))


def test_a_layer_in_float_counts_as_in_fp32(table: LatencyTable) -> None:
    specs, slope = SPACE.decode(SPACE.reference), table.corrections["int8"].slope
    whole = table.latency(specs, "int8")
    for layer, spec in enumerate(specs):
        apart = table.seconds(spec, "fp32") - table.seconds(spec, "int8")
        assert table.latency(specs, "int8", [layer]) - whole == pytest.approx(slope * apart)
    without_fp32 = dataclasses.replace(table, rows={key: row for key, row in table.rows.items() if key[0] == "int8"})
    assert table.covers(specs, "int8", [0])
    assert without_fp32.covers(specs, "int8")
    assert not without_fp32.covers(specs, "int8", [0])


@pytest.mark.parametrize("key", ["verdict", "layers", "networks", "timed", "rounds", "corrections"])
@pytest.mark.parametrize("change", ["remove", "nothing"])
def test_a_well_sealed_file_that_is_no_table_is_one_line(text: str, key: str, change: str) -> None:
    content = json.loads(text)
    assert load(sealed(content)) == load(text)
    if change == "remove":
        del content[key]
    else:
        content[key] = None
    refused(sealed(content))


@pytest.mark.parametrize("part", ["rows", "corrections", "networks", "verdict", "rounds"])
def test_a_value_that_does_not_follow_from_the_samples_is_found(table: LatencyTable, part: str) -> None:
    """It is found although the file has been sealed again."""
    key, value = next(iter(table.rows.items()))
    correction = table.corrections["int8"]
    network, first = table.networks[0], table.rounds[0]
    changes = {
        "rows": {**table.rows, key: dataclasses.replace(value, seconds=1.0001 * value.seconds)},
        "corrections": {**table.corrections, "int8": dataclasses.replace(correction, slope=1.0001 * correction.slope)},
        "networks": (dataclasses.replace(network, measured=1.0001 * network.measured), *table.networks[1:]),
        "verdict": dataclasses.replace(table.verdict, state="noisy"),
        "rounds": (dataclasses.replace(first, seconds=tuple(2 * s for s in first.seconds[::-1])), *table.rounds[1:]),
    }
    found = problems(load(dump(dataclasses.replace(table, **{part: changes[part]}))))
    assert found
    assert part == "rounds" or all(line.startswith(part) for line in found)


# Devices that a table is valid for


def test_an_unmeasured_layer_is_an_error_never_zero(table: LatencyTable) -> None:
    strange = dataclasses.replace(block_specs(SPACE)[1], hidden_channels=999)
    with pytest.raises(LutraError, match=r"hidden 999.*never measured.*python -m experiments.measure"):
        table.seconds(strange, "fp32")
    with pytest.raises(LutraError, match="holds fp32, int8, not int4"):
        table.require(table.passport, precision="int4")
    assert table.seconds(Skip(24, 8), "fp32") == 0


GOLDEN = {
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "cpu": "Cortex-A72",
    "machine": "armv7l",
    "cores": "0",
    "quota": 1.5,
    "clock_max_khz": "3000000",
    "clock_cap_khz": "1500000",
    "governor": "ondemand",
    "turbo": True,
    "power": "battery",
    "onnxruntime": "1.24.2",
    "threads": 4,
}


def test_the_golden_pairs_are_of_every_key(table: LatencyTable) -> None:
    assert list(GOLDEN) == list(deciding(table.passport))


def test_a_table_of_one_runtime_is_refused_for_another(table: LatencyTable) -> None:
    other = {key: value for key, value in table.passport.items() if key != "onnxruntime"} | {"litert": "2.3.0"}
    for ignore in ((), KEYS):
        with pytest.raises(LutraError, match=r"runtime=onnxruntime, .*runtime=litert"):
            table.require(other, ignore)


@pytest.mark.parametrize("key", GOLDEN)
def test_a_table_of_another_device_is_refused_unless_told(table: LatencyTable, key: str) -> None:
    other = {**table.passport, key: GOLDEN[key]}
    table.require(table.passport)
    with pytest.raises(LutraError, match=f"{key}: .*{table.passport[key]}, .*{GOLDEN[key]};"):
        table.require(other)
    table.require(other, ignore=[key])
    with pytest.raises(LutraError, match=f"{key}: "):
        table.require(other, ignore=[k for k in KEYS if k != key])


@pytest.mark.parametrize("count", [1, 2, len(GOLDEN)])
def test_the_refusal_spells_out_the_ignore_that_accepts_the_table(table: LatencyTable, count: int) -> None:
    keys = [key for key in GOLDEN if key != "threads"][:count]
    other = {**table.passport, **{key: GOLDEN[key] for key in keys}}
    for accepted in ([], keys[:1]):
        if accepted == keys:
            continue
        with pytest.raises(LutraError) as caught:
            table.require(other, accepted)
        (typed,) = re.findall(r"ignore=\[(.*)\]", str(caught.value))
        assert typed.split(",") == keys
        table.require(other, typed.split(","))


def test_what_does_not_decide_may_differ(table: LatencyTable) -> None:
    table.require({**table.passport, "kernel": "6.13.0", "python": "3.14.0"}, (), SPACE, "int8")


def swapped() -> SearchSpace:
    return SearchSpace("tiny", (*SPACE.layers[:2], SPACE.layers[2][::-1], *SPACE.layers[3:]), SPACE.reference)


@pytest.mark.parametrize(
    ("key", "space"),
    [
        ("channels: .* 1, .* 3", tiny(3, 16, 10)),
        ("resolution: .* 16, .* 32", tiny(1, 32, 10)),
        ("classes: .* 10, .* 100", tiny(1, 16, 100)),
        ("layers: .* 7, .* 13", mobile(1, 16, 10)),
        ("layers: .* layer 2", swapped()),
    ],
)
def test_a_table_of_another_space_is_refused_unless_told(table: LatencyTable, key: str, space: SearchSpace) -> None:
    with pytest.raises(LutraError, match=key):
        table.require(table.passport, (), space)
    table.require(table.passport, [key.split(":")[0]], space)


def test_networks_are_stored_as_they_were_timed(table: LatencyTable) -> None:
    timed = {item.specs for item in table.timed}
    assert all(computing(SPACE.decode(row.arch)) in timed for row in table.networks)
    assert len({item.name for item in table.timed}) == len(table.timed)
    assert all(isinstance(r, Round) for r in table.rounds)


def test_two_tables_of_one_space_are_compared_row_by_row(table: LatencyTable) -> None:
    """One layer takes twice as long on the other board as the common speed explains."""
    key = ("int8", block_specs(SPACE)[4])
    slow = {kind: Value(*(1.5 * number for number in dataclasses.astuple(value))) for kind, value in table.rows.items()}
    slow[key] = Value(*(3 * number for number in dataclasses.astuple(table.rows[key])))
    fp32, int8 = compare(table, dataclasses.replace(table, rows=slow))
    assert (fp32.precision, fp32.ratio, fp32.tau) == ("fp32", pytest.approx(1.5), pytest.approx(1))
    assert int8.moved[0].spec == key[1]
    assert int8.moved[0].beyond == pytest.approx(2)
    assert [row.beyond for row in int8.moved[1:]] == pytest.approx([1] * (len(int8.moved) - 1))
    with pytest.raises(LutraError, match="two spaces"):
        compare(table, dataclasses.replace(table, layers=swapped().layers))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (tiny(1, 16, 12), "classes: 10 in a, 12 in b"),
        (tiny(3, 16, 10), "channels: 1 in a, 3 in b"),
        (tiny(1, 32, 10), "resolution: 16 in a, 32 in b"),
        (tiny(3, 32, 12), "channels: 1 in a, 3 in b; resolution: 16 in a, 32 in b; classes: 10 in a, 12 in b"),
    ],
    ids=["classes", "channels", "resolution", "all"],
)
def test_tables_that_cannot_be_compared_say_what_differs(table: LatencyTable, other: SearchSpace, words: str) -> None:
    with pytest.raises(LutraError) as refused:
        compare(table, dataclasses.replace(table, layers=other.layers))
    assert f"differ in their {words}. " in str(refused.value)
    assert "\n" not in str(refused.value)


# The commands


def folder_of_tables(folder: Path) -> list[Path]:
    """Writes the tables of two boards where `measure` puts them."""
    paths = [folder / "measure" / name / "table.json" for name in ("first", "second")]
    for path, content in zip(paths, (text_of_table(), dump(simulated_table(Disturbance(drift="ramp"), seed=1)))):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return paths


def test_tables_are_listed_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = map(str, folder_of_tables(tmp_path))
    tables(Config(runs=str(tmp_path)))
    listed = capsys.readouterr().out
    assert all(word in listed for word in ("tiny", "Raspberry", "clean", "first", "second", "fp32", "int8"))
    tables(Config(tables=TablesConfig("compare", a, b)))
    compared = capsys.readouterr().out
    assert compared.count("the layers that changed most") == 2
    assert "onnxruntime" not in compared
    with pytest.raises(LutraError, match=r"add tables\.b=PATH"):
        tables(Config(tables=TablesConfig("compare", a)))
    with pytest.raises(LutraError, match="there is no table in"):
        tables(Config(runs=str(tmp_path / "empty")))


def test_verify_finds_one_changed_byte(here: Here, tmp_path: Path) -> None:
    paths = folder_of_tables(tmp_path)
    asked = (tables, "tables.action=verify", f"runs={tmp_path}")
    assert here(*asked).out.count("its hash is valid") == 2
    damaged = bytearray(paths[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    paths[1].write_bytes(damaged)
    refused = here(*asked)
    assert refused.code == 2
    assert refused.err.startswith(f"error: {paths[1]}: the table")
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("scenario", ["quiet", "cut"])
def test_a_recorded_table_is_measured_again_in_no_time(
    tmp_path: Path, scenario: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command writes the same files as the table's, so the simulated board finds their latencies."""
    if scenario == "cut":  # writing them once more takes longer than measuring them
        monkeypatch.setattr(measuring, "timing_files", lambda specs, runtime: written_files(tuple(specs)).items())
    recorded = tmp_path / "recorded.json"
    archs, blocks = networks_to_time(SPACE, 5, 0), block_specs(SPACE)
    specs = all_specs(blocks, [SPACE.decode(arch) for arch in archs])
    files = written_files(tuple(specs))
    seconds = {files[file_name(p, i)]: true_seconds(s, p) for p in ("fp32", "int8") for i, s in enumerate(specs)}
    board = SimulatedBoard(seconds.__getitem__, QUIET, 3, PASSPORT)
    rounds = list(measure(board, files, Protocol()))
    then = assemble(SPACE, blocks, archs, specs, files, rounds, board.passport, Protocol())
    recorded.write_text(dump(then))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(events, "show_figure", lambda *arguments: None)
    device = DeviceConfig("simulated", table=str(recorded), scenario=scenario)
    path = measure_command(Config(runs=str(tmp_path), device=device, measure=MeasureConfig(networks=5)))
    told = capsys.readouterr().out
    assert "clean: all 46 rows are known within 2 %" in told
    assert ("connection broke" in told) == (scenario == "cut")
    for comparison in compare(then, load(path.read_text())):
        assert comparison.ratio == pytest.approx(1, rel=0.02)
        assert comparison.tau > 0.9


@cache
def written_files(specs: tuple[tuple[Spec, ...], ...]) -> dict[str, bytes]:
    return dict(timing_files(specs, "onnxruntime"))
