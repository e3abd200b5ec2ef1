"use strict";
// The ranking page: one collection at a time, sorted and filtered; and its two charts.
(() => {
  const { element, percent, range } = Charts;
  const MOST = 8, FIRST = 4, METRICS = { mce: "mCE", average: "average accuracy", clean: "clean accuracy" };
  const boards = new Map(Charts.data().boards.map((board) => [board.key, board]));
  const byKey = new Map([...boards.values()].flatMap((board) => board.entries.map((entry) => [entry.key, entry])));
  const at = (id) => document.getElementById(id);
  const controls = at("controls"), filters = [...controls.querySelectorAll("[data-filter]")];
  const sections = new Map([...document.querySelectorAll("[data-board]")].map((one) => [one.dataset.board, one]));
  const state = { board: "", sort: "", down: false, picked: [], metric: "mce" };
  const natural = new Intl.Collator("en", { numeric: true }).compare; // 3 % before 10 %
  let scatter, curves;

  // What the scatter tells apart.
  const GROUPS = {
    measured: { label: "measured here", colour: "accent" },
    seen: { label: "measured here, trained on test images", colour: "warn" },
    unverified: { label: "predictions made elsewhere, unverified", colour: "warn", hollow: true },
    paper: { label: "reported in the paper, not re-run", colour: "field", hollow: true },
  };

  const board = () => boards.get(state.board);
  const section = () => sections.get(state.board);
  const bodyOf = (one) => one.querySelector("tbody");
  const usual = () => (board().rankedBy === "mce" ? { sort: "mce", down: false } : { sort: "average", down: true });
  const hasCurves = (entry) => Object.keys(entry.curves).length > 0;
  const value = (summary, name) => (summary && summary[name] ? summary[name][0] : null);

  // What a column sorts by; null comes last in either direction.
  function sortValue(entry, column) {
    if (column === "rank") return entry.ranks ? entry.ranks[0] * 1000 + entry.ranks[1] : null;
    if (column.startsWith("dataset:")) return value(entry.datasets[column.slice(8)], at("metric").value);
    if (["name", "backbone", "training", "type"].includes(column)) return entry[column].toLowerCase();
    return value(entry.overall, column);
  }

  function sort() {
    const body = bodyOf(section()), main = board().rankedBy, sign = state.down ? -1 : 1;
    const compare = (a, b, way) => (a === null ? (b === null ? 0 : 1) : b === null ? -1 : way * (typeof a === "string" ? natural(a, b) : a - b));
    const rows = [...body.rows].map((row) => {
      const entry = byKey.get(row.dataset.key);
      return { row, first: sortValue(entry, state.sort), second: value(entry.overall, main), name: entry.name.toLowerCase() };
    });
    // By rank alone, unranked entries would stand in any order: their number decides.
    const best = main === "mce" ? 1 : -1;
    rows.sort((a, b) => compare(a.first, b.first, sign) || compare(a.second, b.second, best) || compare(a.name, b.name, 1));
    body.append(...rows.map((one) => one.row));
    for (const head of section().querySelectorAll("th[data-sort]")) {
      if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  function matches(entry) {
    const wanted = at("search").value.trim().toLowerCase();
    if (wanted && !`${entry.name} ${entry.organisation}`.toLowerCase().includes(wanted)) return false;
    return filters.every(({ value: chosen, dataset }) => !chosen || entry[dataset.filter] === chosen || (chosen === "adapted" && entry.type !== "base"));
  }

  const shown = () => board().entries.filter(matches);
  const active = () => filters.filter((one) => one.value).length;

  // On a narrow screen the filters are folded, unless one is set.
  const wide = matchMedia("(min-width: 761px)");
  const unfold = () => { at("more").open = wide.matches || active() > 0; };

  function filter() {
    const visible = new Set(shown().map((entry) => entry.key));
    for (const row of bodyOf(section()).rows) row.hidden = !visible.has(row.dataset.key);
    section().querySelector(".nothing").hidden = visible.size > 0;
    at("count").textContent = `${visible.size} of ${board().entries.length} entries`;
    at("clear").hidden = !active() && !at("search").value;
    at("filtered").textContent = active() ? `: ${active()} set` : "";
  }

  // The datasets' columns show one of three numbers.
  function writeDatasets() {
    const metric = state.metric = at("metric").value;
    for (const [key, one] of sections) {
      const names = boards.get(key).datasets;
      for (const unit of one.querySelectorAll("thead .unit")) unit.textContent = ` ${METRICS[metric]}`;
      for (const row of bodyOf(one).rows) {
        const cells = row.querySelectorAll("td.dataset"), entry = byKey.get(row.dataset.key);
        names.forEach((name, index) => {
          const number = entry.datasets[name] && entry.datasets[name][metric];
          if (!number) return cells[index].replaceChildren(element("span", "–", "none"));
          cells[index].replaceChildren(percent(number[0]));
          if (number.length === 3) cells[index].append(element("small", `${percent(number[1])}–${percent(number[2])}`));
        });
      }
    }
  }

  function pick(key, wanted) {
    state.picked = state.picked.filter((one) => one !== key);
    if (wanted) state.picked.push(key);
    while (state.picked.length > MOST) state.picked.shift();
    for (const box of section().querySelectorAll(".pick input")) box.checked = state.picked.includes(box.value);
    drawCurves();
    remember();
  }

  // Buttons in the heads, and a box in each row that has curves: both need this script, so it makes them.
  function furnish(one, key) {
    for (const head of one.querySelectorAll("th[data-sort]")) {
      const button = element("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const column = head.dataset.sort;
        const high = ["average", "clean"].includes(column.startsWith("dataset:") ? at("metric").value : column);
        state.down = state.sort === column ? !state.down : high;
        state.sort = column;
        sort();
        remember();
      });
    }
    if (!boards.get(key).entries.some(hasCurves)) return;
    const head = element("th", "Curve", "pick");
    head.scope = "col";
    one.querySelector("thead tr").prepend(head);
    for (const row of bodyOf(one).rows) {
      const cell = element("td", undefined, "pick"), entry = byKey.get(row.dataset.key);
      if (hasCurves(entry)) {
        const box = element("input");
        Object.assign(box, { type: "checkbox", value: entry.key });
        box.setAttribute("aria-label", `Draw the curve of ${entry.name}`);
        box.addEventListener("change", () => pick(entry.key, box.checked));
        cell.append(box);
      }
      row.prepend(cell);
    }
  }

  function point(entry, dataset) {
    const summary = dataset ? entry.datasets[dataset] : entry.overall;
    const y = summary && summary[board().rankedBy];
    if (!summary || !summary.clean || !y) return null;
    return { x: summary.clean[0], y: y[0], xs: summary.clean.length === 3 ? summary.clean.slice(1) : null, ys: y.length === 3 ? y.slice(1) : null, entry, summary };
  }

  function drawScatter() {
    Charts.drop(scatter);
    scatter = null;
    const dataset = at("chart-dataset").value, main = board().rankedBy, title = main === "mce" ? "mCE" : "Average accuracy";
    const points = shown().map((entry) => point(entry, dataset)).filter(Boolean);
    at("scatter").parentNode.hidden = !points.length;
    at("scatter-legend").replaceChildren();
    at("scatter-about").textContent = !shown().length ? "No entry matches the filters." : !points.length
      ? `No entry shown has ${dataset ? "numbers on this dataset" : "all of these datasets: choose one"}.`
      : `Further right is more accurate on clean images, further ${main === "mce" ? "down more robust to corruption" : "up under corruption"}. Lines are 95 % intervals.`;
    if (!points.length) return;
    const parts = Object.entries(GROUPS).map(([group, { label, colour, hollow }]) => {
      const stroke = Charts.colour(colour), fill = hollow ? "transparent" : stroke;
      return {
        label, hollow, data: points.filter((one) => one.entry.group === group), intervals: true, pointRadius: 6, pointHoverRadius: 8, borderWidth: 2,
        borderColor: stroke, backgroundColor: fill, pointHoverBorderColor: stroke, pointHoverBackgroundColor: fill,
      };
    }).filter((one) => one.data.length);
    // Room for whole intervals, not for points alone.
    const room = (value, interval) => {
      const ends = points.flatMap((one) => one[interval] || [one[value]]), low = Math.min(...ends), high = Math.max(...ends);
      const margin = 1 + 0.04 * (high - low);
      return { min: Math.max(0, 5 * Math.floor((low - margin) / 5)), max: 5 * Math.ceil((high + margin) / 5), ticks: { color: Charts.colour("muted"), includeBounds: false } };
    };
    const open = (one) => { location.href = `models/${one.entry.key}.html`; };
    scatter = Charts.keep(new Chart(at("scatter"), {
      type: "scatter",
      data: { datasets: parts },
      plugins: [Charts.whiskers, labels],
      options: {
        animation: false, maintainAspectRatio: false, interaction: { mode: "nearest", intersect: true },
        layout: { padding: { right: 30, top: 10 } },
        onClick: (_, hit) => { if (hit.length) open(scatter.data.datasets[hit[0].datasetIndex].data[hit[0].index]); },
        onHover: (event, hit) => { event.native.target.style.cursor = hit.length ? "pointer" : ""; },
        scales: { x: Charts.axis("Clean accuracy, %", room("x", "xs")), y: Charts.axis(main === "mce" ? "mCE, % (lower is more robust)" : "Average accuracy, %", room("y", "ys")) },
        plugins: { legend: { display: false }, tooltip: { enabled: false, external: Charts.tooltip(([first]) => {
          const { entry, summary } = first.raw;
          return [entry.name, entry.organisation, entry.backbone, `${title} ${percent(summary[main][0])}${range(summary[main])}`, `Clean accuracy ${percent(summary.clean[0])}${range(summary.clean)}`, GROUPS[entry.group].label];
        }) } },
      },
    }));
    const stops = () => scatter.data.datasets.flatMap((set, datasetIndex) => set.data.map((one, index) => ({ x: one.x, datasetIndex, index }))).sort((a, b) => a.x - b.x).map((one) => [one]);
    Charts.keyboard(scatter, stops, (one) => open(scatter.data.datasets[one.datasetIndex].data[one.index]));
    Charts.legend(at("scatter-legend"), parts.map((set) => ({ text: set.label, colour: set.borderColor, point: true, hollow: set.hollow })));
    at("scatter").setAttribute("aria-label", `${title} against clean accuracy of ${points.length} models on ${dataset || "all datasets"}, as in the table.`);
  }

  // Names beside points while there is room for them.
  const labels = {
    id: "labels",
    afterDatasetsDraw(chart) {
      const context = chart.ctx;
      const all = chart.data.datasets.flatMap((set, index) => chart.getDatasetMeta(index).data.map((dot, place) => [dot, set.data[place].entry.name, set.data[place].xs]));
      if (all.length > 24) return;
      const taken = all.map(([dot]) => [dot.x - 7, dot.y - 7, dot.x + 7, dot.y + 7]);
      context.save();
      context.font = `12px ${Chart.defaults.font.family}`;
      context.textBaseline = "middle";
      Object.assign(context, { fillStyle: Charts.colour("muted"), strokeStyle: Charts.colour("paper"), lineWidth: 4, lineJoin: "round" });
      for (const [dot, name, whiskered] of all) { // a name beside a point with an interval would be crossed out by it
        const text = name.length > 34 ? `${name.slice(0, 33)}…` : name, width = context.measureText(text).width;
        const beside = [[11, 0], [-11 - width, 0]], corners = [[9, -13], [9, 13], [-9 - width, -13], [-9 - width, 13]];
        const places = [...(whiskered ? [...corners, ...beside] : [...beside, ...corners]), [-width / 2, -16], [-width / 2, 17]];
        for (const [right, down] of places) {
          const left = dot.x + right, middle = dot.y + down, box = [left, middle - 7, left + width, middle + 7];
          if (left < chart.chartArea.left || left + width > chart.width || taken.some((one) => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1])) continue;
          taken.push(box);
          context.strokeText(text, left, middle); // a margin, so that whiskers do not cross out names
          context.fillText(text, left, middle);
          break;
        }
      }
      context.restore();
    },
  };

  // Accuracy by severity, the mean over datasets and corruptions where several are meant.
  function curve(entry, dataset, corruption) {
    const sets = dataset ? [entry.curves[dataset]] : board().datasets.map((name) => entry.curves[name]);
    const names = corruption ? [corruption] : board().corruptions.map(([name]) => name);
    if (sets.some((one) => !one)) return null;
    const rows = sets.flatMap((one) => names.filter((name) => one[name]).map((name) => [one.clean[0], ...one[name]]));
    if (!rows.length) return null;
    return rows[0].map((_, index) => rows.reduce((sum, row) => sum + row[index], 0) / rows.length);
  }

  function drawCurves() {
    Charts.drop(curves);
    curves = null;
    const dataset = at("chart-dataset").value, corruption = at("chart-corruption").value, canvas = at("curves");
    const rows = board().entries.filter((entry) => state.picked.includes(entry.key)).map((entry) => ({ text: entry.name, values: curve(entry, dataset, corruption) })).filter((row) => row.values);
    canvas.parentNode.hidden = !rows.length;
    at("curves-legend").replaceChildren();
    const measured = board().entries.some(hasCurves);
    at("curves-about").textContent = rows.length
      ? `Top-1 accuracy on ${dataset || "all datasets"} under ${corruption ? at("chart-corruption").selectedOptions[0].text : "all corruptions"}${dataset && corruption ? "" : ", on average"}. The boxes in the table choose the models, up to ${MOST}.`
      : measured ? "No curve is chosen, or none of those chosen has all of these datasets: tick models in the table." : "No model of this collection has been measured yet, and the paper prints no accuracies by severity.";
    if (!rows.length) return;
    canvas.setAttribute("aria-label", `Accuracy by severity of ${rows.map((row) => row.text).join(", ")}; the numbers are on the models’ pages.`);
    curves = Charts.lines(canvas, at("curves-legend"), board().severities, rows, "Top-1 accuracy, %");
  }

  function draw() { drawScatter(); drawCurves(); }

  const chosen = () => board().entries.filter((entry) => hasCurves(entry) && entry.group === "measured").slice(0, FIRST).map((entry) => entry.key);

  // Turn to a collection; what its charts show is as the view has it, or as usual.
  function show(key, view = new URLSearchParams()) {
    state.board = key;
    for (const [name, one] of sections) one.hidden = name !== key;
    for (const radio of controls.elements.board.length ? controls.elements.board : [controls.elements.board]) radio.checked = radio.value === key;
    Charts.options(at("chart-dataset"), [["", "all datasets"], ...board().datasets.map((name) => [name, name])]);
    Charts.options(at("chart-corruption"), [["", "all corruptions"], ...board().corruptions]);
    const part = board().datasets.find((name) => board().entries.some((entry) => entry.datasets[name]));
    at("chart-dataset").dataset.usual = part && !board().entries.some((entry) => entry.overall) ? part : ""; // none has them all
    for (const id of ["chart-dataset", "chart-corruption"]) restore(at(id), view);
    const picked = view.has("curves") ? view.get("curves").split(".") : chosen();
    state.picked = board().entries.filter((entry) => hasCurves(entry) && picked.includes(entry.key)).map((entry) => entry.key).slice(0, MOST);
    for (const box of section().querySelectorAll(".pick input")) box.checked = state.picked.includes(box.value);
    if (!section().querySelector(`th[data-sort="${CSS.escape(state.sort)}"]`)) Object.assign(state, usual());
    sort();
    filter();
    draw();
  }

  // The view is in the address, so that it can be shared and survives a visit to a model's page.
  const nameOf = (one) => one.dataset.filter || one.id;
  const plain = (one) => one.dataset.usual || (one.id === "metric" ? "mce" : "");
  const kept = [...filters, ...["search", "metric", "chart-dataset", "chart-corruption"].map(at)];

  function remember() {
    const view = new URLSearchParams({ board: state.board });
    if (state.sort !== usual().sort || state.down !== usual().down) view.set("sort", (state.down ? "-" : "") + state.sort);
    for (const one of kept) if (one.value !== plain(one)) view.set(nameOf(one), one.value);
    if (state.picked.join() !== chosen().join()) view.set("curves", state.picked.join("."));
    history.replaceState(null, "", `#${view}`);
  }

  function restore(one, view) {
    const held = view.get(nameOf(one));
    one.value = held !== null && (!one.options || [...one.options].some((option) => option.value === held)) ? held : plain(one);
  }

  function recall() {
    const view = new URLSearchParams(location.hash.slice(1)), wanted = view.get("sort") || "", key = view.get("board");
    Object.assign(state, { sort: wanted.replace(/^-/, ""), down: wanted.startsWith("-") });
    for (const one of [...filters, at("search"), at("metric")]) restore(one, view);
    unfold();
    if (at("metric").value !== state.metric) writeDatasets();
    show(boards.has(key) ? key : boards.keys().next().value, view);
  }

  function clear() {
    for (const one of [...filters, at("search")]) one.value = "";
    refilter();
    controls.querySelector("input:checked").focus(); // the button goes
  }

  function refilter() { filter(); drawScatter(); remember(); }

  // Where a whole table fits its place, its head stays in sight; a table that scrolls sideways cannot have that.
  const fitting = new ResizeObserver((seen) => {
    for (const { target: box } of seen) {
      const fits = box.firstElementChild.offsetWidth <= box.clientWidth;
      box.classList.toggle("fits", fits);
      box.tabIndex = fits ? -1 : 0;
    }
  });

  for (const [key, one] of sections) { furnish(one, key); fitting.observe(one.querySelector(".scroll")); }
  controls.hidden = at("charts").hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("change", (event) => { if (event.target.name === "board") { show(event.target.value); remember(); } });
  for (const one of [...filters, at("search")]) one.addEventListener("input", refilter);
  at("clear").addEventListener("click", clear);
  at("metric").addEventListener("input", () => { writeDatasets(); sort(); remember(); });
  at("chart-dataset").addEventListener("input", () => { draw(); remember(); });
  at("chart-corruption").addEventListener("input", () => { drawCurves(); remember(); });
  Charts.onTheme(draw);
  wide.addEventListener("change", unfold);
  // A link to a place on the page must not cost the view; a shared one, opened here, is followed.
  addEventListener("hashchange", () => { if (new URLSearchParams(location.hash.slice(1)).has("board")) recall(); else remember(); });
  recall();
})();
