from __future__ import annotations

from fitdoctor.causes.callbacks.slow_callback import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallbackRecord, HotLine
from tests.support import builders as make


def with_callback(record: CallbackRecord) -> Facts:
    return make.facts(make.fit(callbacks=[record]))


def bad() -> Facts:
    return with_callback(
        make.callback(hooks={"on_epoch_end": make.took(1.0, 2), "on_epoch_begin": make.took(0.001, 2)})
    )


def good() -> Facts:
    return with_callback(make.callback(hooks={"on_epoch_end": make.took(0.01, 2)}))


def test_it_names_the_hook_its_line_and_the_constructor() -> None:
    (finding,) = check(bad())
    assert finding.data == {"callback": 0, "hooks": ["on_epoch_end"]}
    assert [place.line for place in finding.locations] == [5, 17, 18]
    assert "Plotter.on_epoch_end takes 1.0 s, 10 times." in finding.evidence[0].text


def test_a_hook_is_named_by_its_own_line_where_no_sample_tells_more() -> None:
    hooks = {"on_train_batch_end": make.took(0.01, 61), "on_epoch_end": make.took(0.001, 2)}
    sources = {
        "on_train_batch_end": make.site(16, "def on_train_batch_end"),
        "on_epoch_end": make.site(17, "def on_epoch_end"),
    }
    (finding,) = check(with_callback(make.callback(hooks=hooks, hook_sources=sources)))
    assert finding.locations[0].line == 16


def test_batch_hooks_count_per_step() -> None:
    (finding,) = check(with_callback(make.callback(hooks={"on_train_batch_end": make.took(0.01, 61)})))
    assert "1,000 times" in finding.evidence[0].text


def test_callbacks_of_keras_are_not_the_scripts_own() -> None:
    hooks = {"on_epoch_end": make.took(1.0, 2)}
    assert list(check(with_callback(make.callback("ModelCheckpoint", own=False, hooks=hooks)))) == []


def test_a_subclass_of_tensorboard_belongs_to_histogram_logging() -> None:
    hooks = {"on_epoch_end": make.took(1.0, 2)}
    board = make.callback("MyBoard", hooks=hooks, attributes={"histogram_freq": 1})
    assert list(check(with_callback(board))) == []


def test_a_line_has_its_share_of_its_own_hook() -> None:
    hooks = {"on_epoch_end": make.took(0.5, 2), "on_train_batch_end": make.took(0.01, 61)}
    lines = [
        HotLine(where="on_train_batch_end", site=make.site(9, "draw()"), share=1.0),
        HotLine(where="on_epoch_end", site=make.site(7, "save()"), share=0.8),
    ]
    (finding,) = check(make.facts(make.fit(callbacks=[make.callback(hooks=hooks)], hot_lines=lines)))
    texts = [evidence.text for evidence in finding.evidence]
    assert "100 % of the time of on_train_batch_end is spent at train.py:9: draw()" in texts
    assert "80 % of the time of on_epoch_end is spent at train.py:7: save()" in texts
