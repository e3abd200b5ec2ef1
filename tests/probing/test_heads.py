"""Heads against their papers' formulas, written out again as plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from medimeta_c.errors import ConfigError
from medimeta_c.probing.heads import (
    HEADS,
    Examples,
    Fit,
    Task,
    Texts,
    clip_adapter,
    linear,
    lp_plus,
    neighbours,
    tip,
)
from medimeta_c.probing.heads.contract import Logits, best_on
from medimeta_c.probing.heads.training import batches, train

Features = torch.Tensor


def unit(*shape: int, seed: int) -> Features:
    """Random rows of unit norm."""
    return normalize(
        torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), dim=1
    )


def clustered(per_class: int, *, classes: int = 3, width: int = 12, seed: int = 0) -> Examples:
    """Features of unit norm around a direction for each class, with much noise."""
    labels = torch.arange(classes).repeat(per_class)
    noise = 0.9 * torch.randn(
        len(labels), width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    return Examples(normalize(torch.eye(width, dtype=torch.float64)[labels] + 0.5 * noise, dim=1), labels)


def loss(examples: Examples, logits: Logits) -> float:
    """The mean cross-entropy."""
    return float(cross_entropy(logits(examples.features), examples.labels).detach())


def task(*, classes: int = 3, per_class: int = 8, seed: int = 0) -> Task:
    """Examples to train on and to choose by, and texts near the classes' directions."""
    texts = normalize(torch.eye(12, dtype=torch.float64)[:classes] + 0.6 * unit(classes, 12, seed=50), dim=1)
    return Task(
        train=clustered(per_class, classes=classes, seed=1),
        val=clustered(6, classes=classes, seed=2),
        classes=classes,
        seed=seed,
        texts=Texts(embeddings=texts, scale=20.0, bias=-3.0),
    )


TEST = clustered(10, seed=3).features


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_head_learns_what_can_be_learned(name: str, classes: int) -> None:
    """Finite logits (or minus infinity), one a class, the same twice; and more right than by chance."""
    one, test = task(classes=classes), clustered(30, classes=classes, seed=3)
    logits = HEADS[name].fitted(one).logits(test.features)
    assert logits.shape == (len(test), classes)
    assert not logits.isnan().any()
    assert torch.equal(logits, HEADS[name].fitted(one).logits(test.features))
    right = float((logits.argmax(1) == test.labels).double().mean())
    assert right > 1 / classes + 0.25, right


@pytest.mark.parametrize("name", [name for name in HEADS if HEADS[name].is_trained])
def test_shuffled_labels_leave_only_chance(name: str) -> None:
    """Without texts that know better, a head trained and chosen on shuffled labels is right by chance."""
    generator = torch.Generator().manual_seed(9)
    shuffled = [
        Examples(each.features, each.labels[torch.randperm(len(each), generator=generator)])
        for each in (clustered(40, seed=1), clustered(20, seed=2))
    ]
    dumb = Texts(embeddings=unit(3, 12, seed=60), scale=1e-3)
    fit = HEADS[name].fitted(Task(train=shuffled[0], val=shuffled[1], classes=3, texts=dumb))
    test = clustered(100, seed=3)
    right = float((fit.logits(test.features).argmax(1) == test.labels).double().mean())
    assert abs(right - 1 / 3) < 4 * math.sqrt(2 / 9 / 300) + 0.1, right


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("strength", [0.1, 10.0, 1e4])
def test_linear_is_the_minimum_that_another_optimiser_finds(classes: int, strength: float) -> None:
    """PyTorch's L-BFGS on the loss as it is written: probabilities to 1e-4."""
    one = task(classes=classes)
    single = classes == 2
    weights = torch.zeros(1 if single else classes, 12, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(1 if single else classes, dtype=torch.float64, requires_grad=True)

    def logits(features: Features) -> torch.Tensor:
        found = features @ weights.T + bias
        return torch.cat([torch.zeros_like(found), found], 1) if single else found

    optimiser = torch.optim.LBFGS(
        [weights, bias],
        max_iter=5000,
        max_eval=10000,
        tolerance_grad=1e-10,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = cross_entropy(logits(one.train.features), one.train.labels, reduction="sum")
        value = value + weights.square().sum() / (2 * strength)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    wanted = torch.softmax(logits(TEST), 1)
    found = torch.softmax(linear.fit_one(one, strength)(TEST), 1)
    assert torch.allclose(found, wanted, atol=1e-4)


def test_linear_is_scikit_learns_with_its_own_settings() -> None:
    """`LogisticRegression(C)`, at a tolerance a user would give: probabilities to 1e-4."""
    from sklearn.linear_model import LogisticRegression

    one = task()
    theirs = LogisticRegression(C=1.0, tol=1e-6, max_iter=1000).fit(
        one.train.features.numpy(), one.train.labels.numpy()
    )
    found = torch.softmax(linear.fit_one(one, 1.0)(TEST), 1)
    assert torch.allclose(found, torch.from_numpy(theirs.predict_proba(TEST.numpy())), atol=1e-4)


def test_neighbours_vote_with_their_cosine() -> None:
    """The weighted vote, image by image and neighbour by neighbour."""
    one, k = task(), 5
    found = torch.softmax(neighbours.votes(one, k)(TEST), 1)
    for row, feature in enumerate(TEST):
        cosines = [float(feature @ each) for each in one.train.features]
        nearest = sorted(range(len(cosines)), key=lambda index: -cosines[index])[:k]
        votes = [0.0, 0.0, 0.0]
        for index in nearest:
            votes[int(one.train.labels[index])] += math.exp(cosines[index] / 0.07)
        assert found[row].tolist() == pytest.approx([vote / sum(votes) for vote in votes], abs=1e-9)


def test_class_means_score_by_squared_distance() -> None:
    one, scale = task(), 4.0
    logits = neighbours.mean_logits(neighbours.class_means(one), scale)(TEST)
    for row, feature in enumerate(TEST):
        for label in range(3):
            own = [each for each, truth in zip(*pair(one.train), strict=True) if truth == label]
            mean = sum(own[1:], own[0]) / len(own)
            assert float(logits[row, label]) == pytest.approx(-scale * float((feature - mean).square().sum()))


def pair(examples: Examples) -> tuple[list[torch.Tensor], list[int]]:
    return list(examples.features), examples.labels.tolist()


def test_tip_adds_the_votes_of_a_cache_to_the_prompts() -> None:
    """Equations 4 to 6 of the paper, image by image and key by key."""
    one, alpha, beta = task(), 2.0, 5.5
    texts = one.known_texts
    values = torch.eye(3, dtype=torch.float64)[one.train.labels]
    logits = tip.cache_logits(texts, one.train.features, values, alpha, beta)(TEST)
    for row, feature in enumerate(TEST):
        wanted = [20.0 * float(feature @ text) - 3.0 for text in texts.embeddings]
        for key, label in zip(*pair(one.train), strict=True):
            wanted[label] += alpha * math.exp(-beta * (1 - float(feature @ key)))
        assert logits[row].tolist() == pytest.approx(wanted)


def test_tip_f_trains_its_keys_by_the_recipe() -> None:
    """AdamW written out: the keys after one epoch of one batch, then cosine to zero."""
    one = task()
    keys = one.train.features.clone().requires_grad_(True)
    values = torch.eye(3, dtype=torch.float64)[one.train.labels]
    logits = tip.cache_logits(one.known_texts, keys, values, 1.0, 1.0)
    (gradient,) = torch.autograd.grad(cross_entropy(logits(one.train.features), one.train.labels), keys)
    # First step: both moments are the gradient's own, weights decay by lr * 0.01.
    wanted = keys.detach() * (1 - 1e-3 * 0.01) - 1e-3 * gradient / (gradient.abs() + 1e-4)
    train([keys], logits, one.train, epochs=1, seed=0)
    assert torch.allclose(keys, wanted, atol=1e-12)


def test_tip_f_lowers_the_loss_that_tip_has() -> None:
    one = task()
    values = torch.eye(3, dtype=torch.float64)[one.train.labels]
    keys = one.train.features.clone().requires_grad_(True)
    logits = tip.cache_logits(one.known_texts, keys, values, 1.0, 1.0)
    before = loss(one.train, logits)
    train([keys], logits, one.train, epochs=tip.EPOCHS, seed=0)
    assert loss(one.train, logits) < before


def test_clip_adapter_mixes_a_bottleneck_with_the_features() -> None:
    """Equations 3 to 6 of the paper, image by image and unit by unit; features of any norm give the same."""
    one, ratio = task(), 0.4
    down, up = (each.detach() for each in clip_adapter.start(12, seed=3))
    assert (down.shape, up.shape) == ((3, 12), (12, 3))
    logits = clip_adapter.adapter_logits(one.known_texts, down, up, ratio)
    found = logits(TEST)
    for row, feature in enumerate(TEST):
        inner = [max(0.0, float(weights @ feature)) for weights in down]
        outer = [max(0.0, sum(float(w) * x for w, x in zip(weights, inner, strict=True))) for weights in up]
        mixed = [ratio * a + (1 - ratio) * float(f) for a, f in zip(outer, feature, strict=True)]
        norm = math.sqrt(sum(x * x for x in mixed))
        for label, text in enumerate(one.known_texts.embeddings):
            cosine = sum(x * float(t) for x, t in zip(mixed, text, strict=True)) / norm
            assert float(found[row, label]) == pytest.approx(20.0 * cosine - 3.0)
    assert torch.allclose(logits(7 * TEST), found)


def test_lp_plus_plus_steps_by_the_bounds_of_its_blocks() -> None:
    """One cycle as loops over images: ten steps with momentum on the prototypes, one on the multipliers."""
    one = task()
    features, labels, texts = one.train.features, one.train.labels, one.known_texts.embeddings
    n = len(labels)
    w = torch.stack([features[labels == label].mean(0) for label in range(3)])
    start = 250 * sum(float(w[label] @ texts[label]) for label in range(3)) / 3
    a = [start] * 3
    step_w = 4 * n / float(torch.linalg.eigvalsh(features.T @ features)[-1])
    step_a = 2 * n / max(sum(float(f @ t) ** 2 for f in features) for t in texts)

    def excess(i: int) -> torch.Tensor:
        scores = torch.stack([features[i] @ (w[k] + a[k] * texts[k]) for k in range(3)])
        return torch.softmax(scores, 0) - torch.eye(3, dtype=torch.float64)[labels[i]]

    velocity = torch.zeros_like(w)
    for _ in range(10):
        velocity = 0.9 * velocity + sum(torch.outer(excess(i), features[i]) for i in range(n)) / n
        w = w - step_w * velocity
    slopes = [sum(float(excess(i)[k] * (features[i] @ texts[k])) for i in range(n)) / n for k in range(3)]
    a = [a[k] - step_a * slopes[k] for k in range(3)]
    (first_w, first_a), (next_w, next_a) = lp_plus.descend(one, 1)
    assert first_a.tolist() == pytest.approx([start] * 3)
    assert torch.allclose(next_w, w)
    assert next_a.tolist() == pytest.approx(a)
    assert not torch.equal(first_w, next_w)


def test_lp_plus_plus_comes_near_the_minimum() -> None:
    """Within its 300 steps, without a step size that is tuned: most of the loss of the start is gone."""
    one = task(per_class=8)
    texts = one.known_texts.embeddings
    losses = [
        loss(one.train, lp_plus.probe_logits(w, a, texts)) for w, a in lp_plus.descend(one, lp_plus.CYCLES)
    ]
    assert losses[-1] == min(losses)
    assert losses[-1] < losses[0] / 10


def test_zero_shot_is_the_models_own_score() -> None:
    one = task()
    found = HEADS["zero-shot"].fitted(one).logits(TEST)
    assert torch.allclose(found, 20.0 * TEST @ one.known_texts.embeddings.T - 3.0)


def constant(*scores: float) -> Fit:
    """A fit that gives every image the same logits."""
    return Fit(logits=lambda features: torch.tensor([scores]).double().expand(len(features), -1), settings={})


def test_val_chooses_by_accuracy_then_cross_entropy_then_order() -> None:
    val = Examples(torch.zeros(3, 2), torch.tensor([0, 0, 1]))
    wrong, sure, unsure = constant(0.0, 1.0), constant(9.0, 0.0), constant(1.0, 0.0)
    assert best_on(val, [wrong, sure, unsure]) is unsure
    same = constant(1.0, 0.0)
    assert best_on(val, [unsure, same]) is unsure


def test_orders_of_epochs_depend_on_seed_and_epoch() -> None:
    orders = {
        (seed, epoch): torch.cat([*batches(300, seed=seed, epoch=epoch)])
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert all(sorted(each.tolist()) == list(range(300)) for each in orders.values())
    assert len({tuple(each.tolist()) for each in orders.values()}) == 4
    assert [len(batch) for batch in batches(300, seed=0, epoch=0)] == [256, 44]


def test_an_unknown_head_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown head 'liner': did you mean 'linear'\?"):
        HEADS.find("liner")


def test_names_in_results_are_names() -> None:
    """What a result's record and folder can hold, and no two alike."""
    slugs = [HEADS[name].slug for name in HEADS]
    assert all(slug.replace("_", "").isalnum() and slug.islower() for slug in slugs)
    assert len(set(slugs)) == len(slugs)
