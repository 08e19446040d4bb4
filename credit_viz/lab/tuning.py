"""The fewest passes at a quality that is still good enough: an Optuna study per decoder, verified on other prompts.

Every decoder is searched by itself on training prompts. A trial is feasible if its quality there is at most `margin`
below vanilla decoding's; the sampler knows this as a constraint. A trial is cut short where it cannot become feasible
any more, or where Optuna's Wilcoxon test over the prompts so far finds it slower than the best one. What wins is
measured on held-out prompts, beside vanilla and beside the other decoders.

Knows plans, crews and Optuna (extra "lab"); no page, no shell. Rows are kept by content key, and the search depends on
its seed alone: called again on the same folder it goes the same way and computes only what is missing.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.decoding.settings import knobs
from credit_viz.errors import BackendError, PromptError, SettingsError
from credit_viz.lab.columns import Row, agreement
from credit_viz.lab.crew import Crew, LocalCrew
from credit_viz.lab.plan import MAX_RUNS, Plan, Run, Setting
from credit_viz.lab.prompts import Prompt
from credit_viz.lab.spaces import Arm, Span
from credit_viz.lab.store import Store
from credit_viz.lab.tuned import Found, Score, Tuned
from credit_viz.tiny.statistics import mean_interval, resample

__all__ = ["TuningProgress", "tune"]

_RUNG = 8  #: prompts between two decisions to cut a trial short
_SLOWER = 0.1  #: p of the Wilcoxon test below which a trial counts as slower
_STARTUP = 10  #: random trials before the sampler learns
_SEED = 0  #: of the resampling
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


class TuningProgress(NamedTuple):
    """How far a search is."""

    decoder: str
    trial: int  #: from 1
    trials: int
    best_passes: float | None  #: of the feasible trials so far


def tune(
    plan: Plan,
    held_out: Plan,
    folder: str | Path | None = None,
    workers: int | Crew = 1,
    *,
    margin: float = 0.02,
    trials: int = 50,
    seed: int = 0,
    tell: Callable[[TuningProgress], None] | None = None,
) -> Tuned:
    """Search every arm of the plan on its prompts, and verify on those of `held_out`.

    Args:
        plan: arms with spans and values to search (a span without a count is searched anywhere in between), training
            prompts, and options; an option with several values is searched too.
        held_out: the prompts to verify on; its arms and options are not used.
        folder: where rows are kept; None keeps nothing.
        workers: processes, or a crew.
        margin: how much quality may be lost against vanilla, as a share.
        trials: per arm.
        seed: of the sampler.

    Raises:
        SettingsError: margin or trials out of range, or too many runs. PromptError: a prompt is in both sets.
        BackendError: Optuna is not installed.
    """
    if folder is None:
        with TemporaryDirectory(prefix="credit-viz-tuning-") as temporary:
            return tune(plan, held_out, temporary, workers, margin=margin, trials=trials, seed=seed, tell=tell)
    if not 0 <= margin < 1:
        raise SettingsError(f"margin={margin:g} is out of range; valid: 0 or more and below 1, as a share")
    if trials < 1:
        raise SettingsError(f"trials={trials} is out of range; valid: 1 or more")
    _check_size(plan, held_out, trials)
    texts = {prompt.text for prompt in plan.all_prompts}
    if both := [prompt for prompt in held_out.all_prompts if prompt.text in texts]:
        raise PromptError(f"prompt {both[0].id!r} is for training and held out; valid: each in one of them")
    optuna = _optuna()
    crew = LocalCrew(workers) if isinstance(workers, int) else workers
    base = _base(plan, held_out)
    with Store(folder) as store:
        try:
            identity = crew.open(base)
            store.begin(base, identity)
            bench = _Bench(base, identity.model, store, crew)
            return _search(optuna, bench, plan, margin, trials, seed, tell)
        finally:
            crew.close()


def _check_size(plan: Plan, held_out: Plan, trials: int) -> None:
    """Every trial on every training prompt, vanilla on them with all options, and each arm's best on the others."""
    tried = trials * len(plan.arms) + len(plan.run_options)
    runs = tried * plan.prompt_count + (len(plan.arms) + 1) * held_out.prompt_count
    if runs > MAX_RUNS:
        raise SettingsError(
            f"this search has up to {runs:,} runs, {trials:,} trials of each decoder on {plan.prompt_count:,} prompts; "
            f"valid: up to {MAX_RUNS:,}"
        )


def _optuna() -> Any:
    try:
        return import_module("optuna")
    except ImportError:
        raise BackendError("tuning needs Optuna; install it with: pip install -e '.[lab]'") from None


def _base(plan: Plan, held_out: Plan) -> Plan:
    """Vanilla on all prompts of both: what a folder of this search is known by."""
    prompts = tuple(
        dataclasses.replace(prompt, id=f"{kind}-{prompt.id}")
        for kind, part in (("train", plan), ("held-out", held_out))
        for prompt in part.all_prompts
    )
    return dataclasses.replace(plan, arms=(Arm("vanilla"),), prompts=prompts, tasks=None, compare="never")


class _Bench:
    """Measures settings on prompts, each run once; quality needs vanilla's row on the same prompt."""

    def __init__(self, base: Plan, model: Any, store: Store, crew: Crew) -> None:
        self._base, self._model, self._store, self._crew = base, model, store, crew
        self._prompts = {prompt.id: prompt for prompt in base.all_prompts}
        self.judged = all(prompt.judged for prompt in base.all_prompts)

    def prompts(self, kind: str) -> list[Prompt]:
        """Training or held-out prompts."""
        return [prompt for name, prompt in self._prompts.items() if name.startswith(f"{kind}-")]

    def rows(self, setting: Setting, options: RunOptions, prompts: Sequence[Prompt]) -> list[Row]:
        """One per prompt.

        Raises:
            BackendError: a run failed: a search over failures would find what fails fastest.
        """
        runs = [Run(setting, options, prompt, False) for prompt in prompts]
        keys = [run.key(self._model, self._base.batch) for run in runs]
        units = [(run,) for run, key in zip(runs, keys, strict=True) if key not in self._store.rows]
        if units:
            with closing(self._crew.run(units)) as finished:
                for unit, rows in finished:
                    self._store.add({unit[0].key(self._model, self._base.batch): rows[0]})
        found = [self._store.rows[key] for key in keys]
        for prompt, row in zip(prompts, found, strict=True):
            if row["failed"] is not None:
                raise BackendError(f"{setting.decoder} on prompt {prompt.id!r} failed: {row['failed']}")
        return found

    def score(
        self, setting: Setting, options: RunOptions, prompts: Sequence[Prompt], reference: Sequence[Row]
    ) -> Score:
        """reference: vanilla's rows on the same prompts."""
        rows = self.rows(setting, options, prompts)
        return Score.of(
            [(row["forward_passes"], self._quality(row, r)) for row, r in zip(rows, reference, strict=True)]
        )

    def _quality(self, row: Row, reference: Row) -> float:
        if self.judged:
            return float(row["exact_match"])
        share, _ = agreement(row["content_ids"], reference["content_ids"])
        return float(share or 0.0)


def _search(
    optuna: Any,
    bench: _Bench,
    plan: Plan,
    margin: float,
    trials: int,
    seed: int,
    tell: Callable[[TuningProgress], None] | None,
) -> Tuned:
    train, check = bench.prompts("train"), bench.prompts("held-out")
    vanilla = plan.reference
    best = max(plan.run_options, key=lambda o: _vanilla(bench, vanilla, o, train).quality.mean())
    reference = bench.rows(vanilla, best, train)
    goal = _vanilla(bench, vanilla, best, train)
    against, truth = bench.rows(vanilla, best, check), _vanilla(bench, vanilla, best, check)
    weights = resample(len(check), _SEED)
    found, nothing = [], []
    for arm in plan.arms:
        study = _Study(optuna, bench, arm, plan.run_options, train, reference, goal.quality, margin)
        winner = study.run(trials, seed, tell)
        if winner is None:
            nothing.append(arm.decoder)
            continue
        setting, options = winner
        own, here = bench.score(setting, options, check, against), bench.score(setting, options, train, reference)
        found.append(
            Found(
                setting,
                options,
                *study.counts,
                train_passes=float(here.passes.mean()),
                train_loss=float((goal.quality - here.quality).mean()),
                passes=mean_interval(own.passes, weights),
                loss=mean_interval(truth.quality - own.quality, weights),
                score=own,
            )
        )
    return Tuned(
        margin=margin,
        judged=bench.judged,
        prompts=len(check),
        reference=best,
        reference_passes=float(truth.passes.mean()),
        reference_quality=float(truth.quality.mean()),
        found=tuple(sorted(found, key=lambda each: each.passes.value)),
        nothing=tuple(nothing),
    )


def _vanilla(bench: _Bench, vanilla: Setting, options: RunOptions, prompts: Sequence[Prompt]) -> Score:
    return bench.score(vanilla, options, prompts, bench.rows(vanilla, options, prompts))


class _Study:
    """The search of one arm."""

    def __init__(
        self,
        optuna: Any,
        bench: _Bench,
        arm: Arm,
        options: Sequence[RunOptions],
        prompts: Sequence[Prompt],
        reference: Sequence[Row],
        goal: Floats,
        margin: float,
    ) -> None:
        self._optuna, self._bench, self._arm = optuna, bench, arm
        self._options, self._prompts, self._reference = options, prompts, reference
        self._goal, self._margin = goal, margin
        self._knobs = {knob.name: knob for knob in knobs(DECODERS[arm.decoder].settings_class)}
        self.counts = (0, 0, 0)  #: trials, cut short, feasible

    def run(
        self, trials: int, seed: int, tell: Callable[[TuningProgress], None] | None
    ) -> tuple[Setting, RunOptions] | None:
        """The feasible setting with fewest passes on average; None where there is none."""
        optuna = self._optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(n_startup_trials=min(_STARTUP, trials), seed=seed)
        with warnings.catch_warnings():  # "experimental" since 2024: the version that is tested is pinned
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            pruner = optuna.pruners.WilcoxonPruner(p_threshold=_SLOWER, n_startup_steps=_RUNG)
        study = optuna.create_study(direction="minimize", sampler=sampler, pruner=pruner)
        for number in range(1, trials + 1):
            study.optimize(self._try, n_trials=1)
            if tell:
                best = self._best(study)
                tell(TuningProgress(self._arm.decoder, number, trials, best and best.value))
        states = [trial.state for trial in study.trials]
        cut = states.count(optuna.trial.TrialState.PRUNED)
        self.counts = (len(states), cut, len(self._feasible(study)))
        best = self._best(study)
        return None if best is None else self._chosen(best.user_attrs["setting"], best.user_attrs["options"])

    def _feasible(self, study: Any) -> list[Any]:
        complete = study.get_trials(states=[self._optuna.trial.TrialState.COMPLETE])
        return [trial for trial in complete if trial.user_attrs["over"] <= 0]

    def _best(self, study: Any) -> Any:
        return min(self._feasible(study), key=lambda t: (t.value, t.user_attrs["over"]), default=None)

    def _chosen(self, values: dict[str, Any], place: int) -> tuple[Setting, RunOptions]:
        decoder = make_decoder(self._arm.decoder, values, self._arm.preset)
        return Setting(self._arm.decoder, decoder.settings.to_dict()), self._options[place]

    def _try(self, trial: Any) -> float:
        values = {name: self._suggest(trial, name, space) for name, space in self._arm.knobs.items()}
        place = trial.suggest_categorical("options", list(range(len(self._options)))) if len(self._options) > 1 else 0
        trial.set_user_attr("setting", values)
        trial.set_user_attr("options", place)
        setting, options = self._chosen(values, place)
        passes: list[float] = []
        lost = over = 0.0
        for start in range(0, len(self._prompts), _RUNG):
            part = slice(start, start + _RUNG)
            score = self._bench.score(setting, options, self._prompts[part], self._reference[part])
            for step, value in enumerate(score.passes, start):
                trial.report(float(value), step)
            passes += score.passes.tolist()
            lost += float((self._goal[part] - score.quality).sum())
            # the best that can still come is that all the rest is right
            least = lost + float((self._goal[start + _RUNG :] - 1).sum())
            over = least / len(self._prompts) - self._margin - _ROUNDING
            if over > 0 or trial.should_prune():
                # not feasible, even where it was only slow
                self._judge(trial, max(over, _ROUNDING))
                raise self._optuna.TrialPruned
        self._judge(trial, over)
        return float(np.mean(passes))

    @staticmethod
    def _judge(trial: Any, over: float) -> None:
        """over: quality lost beyond the margin."""
        trial.set_user_attr("over", over)
        trial.set_constraint("quality", over)

    def _suggest(self, trial: Any, name: str, space: Any) -> Any:
        if not isinstance(space, Span):
            values = list(space)
            return values[0] if len(values) == 1 else trial.suggest_categorical(name, values)
        if space.count is not None:
            return trial.suggest_categorical(name, list(space.values()))
        if self._knobs[name].integer:
            return trial.suggest_int(name, int(np.ceil(space.low)), int(np.floor(space.high)))
        return float(f"{trial.suggest_float(name, space.low, space.high):.4g}")
