from __future__ import annotations

from fitdoctor.causes.host.slowing_steps import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Duration, StepBlock
from tests.support import builders as make


def watched(*each_ms: float, hook: bool = True) -> Facts:
    """A training of 100 steps a stretch, whose growth is a callback's."""
    base_ms = each_ms[0]
    samples = [each * 1e-3 for each in each_ms for _ in range(6)]
    grows = Duration(count=len(samples), total_s=sum(samples), samples_s=[each - base_ms * 1e-3 for each in samples])
    total_s = sum(each * 0.1 for each in each_ms)
    fit = make.fit(
        step=Duration(count=100 * len(each_ms), total_s=total_s, samples_s=samples),
        function=grows if not hook else make.took(base_ms * 1e-3, 200),
        callbacks=[make.callback(hooks={"on_train_batch_end": grows if hook else make.took(1e-5, 200)})],
        blocks=[StepBlock(steps=100, seconds=each * 0.1, memory_bytes=10**9) for each in each_ms],
        epochs_seen=10,
        cut=False,
    )
    return make.watched_facts(fit)


def growing() -> list[float]:
    return [10.0 + at / 4 for at in range(40)]


def bad() -> Facts:
    return watched(*growing())


def good() -> Facts:
    return watched(*[10.0 + at / 40 for at in range(40)])


def test_the_callback_that_grows_is_named() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.locations[0].line == 5
    assert "Plotter.on_train_batch_end" in finding.evidence[1].text
    assert 10 < finding.cost_s.mid < 20


def test_the_train_function_is_named_where_it_grows() -> None:
    (finding,) = check(watched(*growing(), hook=False))
    assert "the train function" in finding.evidence[1].text
    assert [place.line for place in finding.locations] == [18]


def test_a_jump_is_no_growth() -> None:
    assert list(check(watched(*[10.0] * 20, *[20.0] * 20))) == []


def test_a_cut_scout_is_not_reported() -> None:
    record = bad().scout.fits[0]
    record.cut = True
    assert list(check(make.facts(record))) == []


def test_a_diagnosis_uses_the_watched_training() -> None:
    seen = bad()
    run = make.run(make.fit())
    run.watched = seen.scout
    assert list(check(Facts(run)))
