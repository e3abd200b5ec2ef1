// What of two models is compared, and the numbers of each dataset.
import * as numbers from "./numbers.js";

export const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

// Whether a name is ticked: all are, unless the address lists some.
function ticked(names, list) {
  const found = names.filter((one) => list.split(".").includes(one));
  return found.length ? found : names;
}

// What both were scored on, as ticked: by dataset the corruptions and severities, and a sentence for all that is left out.
export function scopeOf(data, [first, second], places, base, view) {
  const named = (corruption) => data.corruptions[corruption] ?? corruption;
  const notes = [], all = places.map((place) => {
    const set = data.sets[place], { dataset } = set, [own, other] = [first.get(place), second.get(place)], grid = base?.grids[dataset];
    const both = own.corruptions.filter((one) => other.corruptions.includes(one));
    const covered = base && !base.measured ? both.filter((one) => grid?.rows[one]) : both;
    const kept = covered.length ? covered : both;
    const lost = both.filter((one) => !kept.includes(one));
    if (lost.length) notes.push(`${listed(lost.map(named))} of ${dataset} ${lost.length === 1 ? "is" : "are"} left out: the baseline has no figures for ${lost.length === 1 ? "it" : "them"}.`);
    const single = [...new Set([...own.corruptions, ...other.corruptions])].filter((one) => !both.includes(one));
    if (single.length) notes.push(`${listed(single.map(named))} of ${dataset} ${single.length === 1 ? "is" : "are"} left out: only one model was scored on ${single.length === 1 ? "it" : "them"}.`);
    return { place, set, dataset, kept, severities: own.severities.filter((s) => other.severities.includes(s)) };
  });
  const datasets = all.map((one) => one.dataset), corruptions = [...new Set(all.flatMap((one) => one.kept))];
  const on = { datasets: ticked(datasets, view.datasets), corruptions: ticked(corruptions, view.corruptions) };
  const parts = all.filter((one) => on.datasets.includes(one.dataset)).map((one) => ({ ...one, corruptions: one.severities.length ? one.kept.filter((name) => on.corruptions.includes(name)) : [] }));
  for (const one of parts) if (!one.corruptions.length) notes.push(`${one.dataset} is left out: it has no corruption and severity chosen here that both models were scored on.`);
  return { parts, notes, datasets, corruptions, on };
}

// The accuracy of A, B and the baseline in every cell, on the images and on each resample.
export function accuraciesOf(drawn, held) {
  const columns = held.flatMap((one, model) => [...(one?.cells ?? [])].map(([name, bits]) => ({ model, name, bits })));
  const found = numbers.accuracies(drawn, columns.map((one) => one.bits));
  const cells = held.map((_, model) => new Map(columns.flatMap((one, i) => (one.model === model ? [[one.name, found[i]]] : []))));
  return { cells, chance: held.map((one) => one?.chance), resamples: drawn.resamples };
}

// The numbers of one dataset, and by corruption.
export function compute(part, { cells, chance, resamples }, base) {
  const { corruptions, severities } = part, grid = base?.grids[part.dataset];
  const split = grid?.split === part.set.split ? grid : undefined;
  const errors = (model, rows) => numbers.errors(cells[model], rows, severities);
  const divisor = (rows) => base && (base.bits ? errors(2, rows) : numbers.constantErrors(split, rows, severities, resamples + 1));
  const both = (rows) => [0, 1].map((model) => numbers.numbers(errors(model, rows), divisor(rows)));
  Object.assign(part, { cells, chance, numbers: both(corruptions), rows: new Map(corruptions.map((one) => [one, both([one])])) });
}
