// The numbers of a comparison. Formulas, their order and the resamples are those of `medimeta-c compare`.
// A number is an array: its value on the images themselves, then on each resample.

export class Unreadable extends Error {}

// Fetch a file: a line of JSON, then bytes. A server may have taken the gzip off already.
export async function load(address) {
  let bytes;
  try {
    const response = await fetch(address, { cache: "no-cache" });
    if (!response.ok) throw new Unreadable(`${address} could not be loaded: the server answered ${response.status}`);
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(`${address} could not be loaded`);
  }
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await gunzip(bytes);
    const end = bytes.indexOf(10);
    const head = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end)));
    return { address, head, body: bytes.subarray(end + 1) };
  } catch {
    throw new Unreadable(`${address} is damaged`);
  }
}

async function gunzip(bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

const SAME = ["dataset", "split", "fingerprint", "images", "digest"];
const isOf = (set) => (held) => SAME.every((name) => held[name] === set[name]);
const stale = (address) => new Unreadable(`${address} does not belong to this page: the site has changed`);

// Which images are right: by set, the cells asked for, and the bytes of each valid one.
export function readBits({ address, head, body }, sets, wanted) {
  const found = new Map();
  let start = 0;
  for (const held of head.datasets) {
    const width = Math.ceil(held.images / 8), cells = new Map();
    for (const [corruption, severity] of held.cells) {
      cells.set(cellName(corruption, severity), body.subarray(start, start + width));
      start += width;
    }
    const place = sets.findIndex(isOf(held));
    if (place < 0) throw stale(address);
    found.set(place, { corruptions: held.corruptions, severities: held.severities, chance: held.chance, cells });
  }
  if (!wanted.every((place) => found.has(place))) throw stale(address);
  if (head.schema_version !== 1 || start !== body.length) throw new Unreadable(`${address} is damaged`);
  return found;
}

export function readCounts({ address, head, body }, set, resamples) {
  if (!isOf(set)(head) || head.resamples !== resamples) throw stale(address);
  if (head.schema_version !== 1 || body.length !== head.images * resamples) throw new Unreadable(`${address} is damaged`);
  return { images: head.images, resamples, drawn: body, above: new Map(head.above) };
}

export const cellName = (corruption, severity) => `${corruption} ${severity}`;
const CLEAN = cellName("clean", 0);

// The accuracy of each column of bits. A resample may draw more or fewer images than there are, where groups are drawn.
export function accuracies({ images, resamples, drawn, above }, columns) {
  const start = new Uint32Array(images + 1), listed = [];
  for (let i = 0; i < images; i++) {
    columns.forEach((bits, column) => { if ((bits[i >> 3] >> (i & 7)) & 1) listed.push(column); });
    start[i + 1] = listed.length;
  }
  const right = Uint32Array.from(listed), found = columns.map(() => new Float64Array(resamples + 1));
  for (const column of right) found[column][0] += 1;
  for (const accuracy of found) accuracy[0] /= images;
  const sums = new Float64Array(columns.length);
  for (let r = 0; r < resamples; r++) {
    let total = 0;
    sums.fill(0);
    for (let i = 0, place = r * images; i < images; i++, place++) {
      const count = drawn[place] === 255 ? above.get(place) : drawn[place];
      if (count === 0) continue;
      total += count;
      for (let k = start[i]; k < start[i + 1]; k++) sums[right[k]] += count;
    }
    found.forEach((accuracy, column) => { accuracy[r + 1] = sums[column] / total; });
  }
  return found;
}

const each = (f, first, ...others) => first.map((value, i) => f(value, ...others.map((other) => other[i])));
const sum = (arrays) => arrays.slice(1).reduce((total, one) => each((a, b) => a + b, total, one), arrays[0].slice());
const mean = (arrays) => sum(arrays).map((total) => total / arrays.length);
const ratio = (a, b) => each((over, under) => (under > 1e-9 ? over / under : NaN), a, b);
const minus = (a, b) => each((x, y) => x - y, a, b);

// The errors of one model: clean, and by corruption the sum over severities; undefined where a cell is missing.
export function errors(cells, corruptions, severities) {
  const error = (name) => cells.get(name)?.map((accuracy) => 1 - accuracy);
  const row = (corruption) => severities.map((s) => error(cellName(corruption, s)));
  return {
    clean: error(CLEAN),
    sums: new Map(corruptions.map((one) => [one, row(one)]).map(([one, parts]) => [one, parts.every(Boolean) ? sum(parts) : undefined])),
    count: severities.length,
  };
}

// The same of printed figures, which are constants. A printed mean over other severities says nothing about these.
export function constantErrors(grid, corruptions, severities, length) {
  const constant = (value) => (value === null || value === undefined ? undefined : new Float64Array(length).fill(value));
  const total = (row) => {
    if (!row) return null;
    if (row.severities.join() === severities.join()) return row.total;
    if (!row.errors || !severities.every((s) => row.severities.includes(s))) return null;
    return row.severities.reduce((all, s, i) => (severities.includes(s) ? all + row.errors[i] : all), 0);
  };
  return {
    clean: constant(grid?.clean),
    sums: new Map(corruptions.map((one) => [one, constant(total(grid?.rows[one]))])),
    count: severities.length,
  };
}

const MISSING = "a cell is missing or invalid", NO_ERRORS = "the baseline makes no errors there";

// The four numbers of a model on one dataset: { values } or { reason }.
export function numbers(model, baseline) {
  const sums = [...model.sums], missing = sums.some(([, total]) => !total);
  const clean = model.clean && { values: model.clean.map((error) => 1 - error) };
  const average = missing ? undefined : { values: mean(sums.map(([, total]) => total.map((one) => one / model.count))).map((error) => 1 - error) };
  const lost = clean && average && { values: minus(clean.values, average.values) };
  return { clean: clean ?? { reason: MISSING }, average: average ?? { reason: MISSING }, lost: lost ?? { reason: MISSING }, mce: mce(model, baseline, missing) };
}

function mce(model, baseline, missing) {
  if (!baseline) return { reason: "no baseline" };
  if (missing) return { reason: MISSING };
  if ([...model.sums.keys()].some((one) => !baseline.sums.get(one))) return { reason: "the baseline has no figures for it" };
  const values = mean([...model.sums].map(([one, total]) => ratio(total, baseline.sums.get(one))));
  return Number.isNaN(values[0]) ? { reason: NO_ERRORS } : { values };
}

// The mean over datasets, undefined where one of them is.
export function overall(parts) {
  const lacking = parts.find((one) => one.reason);
  return lacking ?? { values: mean(parts.map((one) => one.values)) };
}

// One number minus another, with the interval of its resamples; see `medimeta_c.metrics.intervals.difference`.
export function difference(a, b, level, fixed) {
  const reason = a.reason ?? b.reason;
  if (reason) return { reason };
  const values = minus(a.values, b.values), value = values[0], sorted = values.slice(1).sort();
  const low = sorted[0], high = sorted.at(-1), bad = sorted.filter(Number.isNaN).length;
  if (fixed) return { value, tie: null, without: fixed };
  if (bad) return { value, tie: null, without: `${bad} of ${sorted.length} resamples leave the baseline nothing to divide by` };
  if (low === high && low !== 0) return { value, tie: null, without: "the models differ alike on every image" };
  const ends = [(1 - level) / 2, (1 + level) / 2].map((share) => rounded(quantile(sorted, share)));
  return { value, low: ends[0], high: ends[1], tie: ends[0] <= 0 && ends[1] >= 0 };
}

// Whether clean accuracy, the mean over datasets, lies above chance. Where a model is right or wrong on all images,
// resamples cannot differ, and the exact interval takes their place.
export function knows(parts, level) {
  if (parts.some((one) => !one.values)) return true; // undefined: nothing is said of it
  const tail = (1 - level) / 2, right = parts.filter((one) => one.values.every((value) => value === 1));
  const slack = right.reduce((all, one) => all + (1 - tail ** (1 / one.images)) / parts.length, 0);
  const low = quantile(mean(parts.map((one) => one.values)).slice(1).sort(), tail) - slack;
  return low > parts.reduce((all, one) => all + one.chance, 0) / parts.length;
}

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share, below = Math.floor(place), part = place - below;
  const first = sorted[below], last = sorted[Math.min(below + 1, sorted.length - 1)];
  return part < 0.5 ? first + (last - first) * part : last - (last - first) * (1 - part);
}

// Equal sums added up in another order differ by 1e-16, and an end that is 0 must not seem to leave 0 out.
const rounded = (value) => Math.round(value * 1e12) / 1e12 + 0;
