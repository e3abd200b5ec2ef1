"use strict";
// What the pages' charts share: colours from the style sheet, tooltips as text, whiskers, and the keyboard.
const Charts = (() => {
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [], [7, 4], [2, 3], [9, 3, 2, 3]];
  const SHAPES = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "rectRounded", "cross"];
  const made = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const series = (index) => ({ colour: colour(`c${index % 8}`), dash: DASHES[index % 8], shape: SHAPES[index % 8] });
  const percent = (value) => value.toFixed(1);
  const range = (one) => (one.length === 3 ? ` (${percent(one[1])}–${percent(one[2])})` : "");

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function axis(title, extra) {
    return {
      title: { display: true, text: title, color: colour("muted"), font: { size: 13 } },
      ticks: { color: colour("muted") }, grid: { color: colour("rule") }, border: { color: colour("field") }, ...extra,
    };
  }

  // The tooltip is an element, so that it can be styled, selected by tests, and holds text only.
  function tooltip(write) {
    return (context) => {
      const { chart, tooltip: state } = context;
      let tip = chart.canvas.parentNode.querySelector(".tip");
      if (!tip) {
        tip = element("div", "", "tip");
        chart.canvas.parentNode.append(tip);
      }
      tip.hidden = !state.opacity || !state.dataPoints || !state.dataPoints.length;
      if (tip.hidden) return;
      const [head, ...lines] = write(state.dataPoints);
      tip.replaceChildren(element("b", head), document.createTextNode("\n" + lines.join("\n")));
      const room = chart.canvas.clientWidth, width = tip.offsetWidth, height = tip.offsetHeight;
      const left = state.caretX + 14 + width > room ? state.caretX - 14 - width : state.caretX + 14;
      tip.style.left = `${Math.max(0, Math.min(left, room - width))}px`;
      tip.style.top = `${Math.max(0, state.caretY - height / 2)}px`;
      chart.spoken = [head, ...lines].join(", ");
    };
  }

  // Intervals of points, as lines across them.
  const whiskers = {
    id: "whiskers",
    beforeDatasetsDraw(chart) {
      const context = chart.ctx;
      context.save();
      chart.data.datasets.forEach((dataset, index) => {
        if (!dataset.intervals || !chart.isDatasetVisible(index)) return;
        const strong = new Set(chart.getActiveElements().filter((one) => one.datasetIndex === index).map((one) => one.index));
        dataset.data.forEach((point, at) => {
          if (!strong.has(at) && dataset.data.length > 60) return;
          context.globalAlpha = strong.has(at) ? 1 : 0.45;
          context.strokeStyle = Array.isArray(dataset.borderColor) ? dataset.borderColor[at] : dataset.borderColor;
          const x = (value) => chart.scales.x.getPixelForValue(value), y = (value) => chart.scales.y.getPixelForValue(value);
          context.beginPath();
          if (point.xs) { context.moveTo(x(point.xs[0]), y(point.y)); context.lineTo(x(point.xs[1]), y(point.y)); }
          if (point.ys) { context.moveTo(x(point.x), y(point.ys[0])); context.lineTo(x(point.x), y(point.ys[1])); }
          context.stroke();
        });
      });
      context.restore();
    },
  };

  // Arrow keys walk through stops, each a list of points shown together.
  function keyboard(chart, stops, enter) {
    const canvas = chart.canvas, said = document.getElementById("said");
    let at = -1;
    const show = (points) => {
      chart.setActiveElements(points);
      const first = points.length ? chart.getDatasetMeta(points[0].datasetIndex).data[points[0].index] : { x: 0, y: 0 };
      chart.tooltip.setActiveElements(points, { x: first.x, y: first.y });
      chart.update("none");
    };
    canvas.onkeydown = (event) => {
      const all = stops(), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && all.length) {
        at = at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length;
        show(all[at]);
        said.textContent = chart.spoken || "";
      } else if (event.key === "Enter" && enter && at >= 0 && at < all.length) enter(all[at][0]);
      else if (event.key === "Escape") { at = -1; show([]); } else return;
      event.preventDefault();
    };
    canvas.onblur = () => { at = -1; show([]); };
  }

  function legend(place, items) {
    const SVG = "http://www.w3.org/2000/svg";
    place.replaceChildren(...items.map(({ text, colour: stroke, dash, point, hollow }) => {
      const item = element("span"), mark = document.createElementNS(SVG, "svg");
      mark.setAttribute("viewBox", "0 0 30 12");
      mark.setAttribute("aria-hidden", "true");
      const shape = document.createElementNS(SVG, point ? "circle" : "line");
      const values = point ? { cx: 22, cy: 6, r: 5, fill: hollow ? "none" : stroke } : { x1: 0, y1: 6, x2: 30, y2: 6, "stroke-dasharray": (dash || []).join(" ") };
      for (const [name, value] of Object.entries({ ...values, stroke, "stroke-width": 2 })) shape.setAttribute(name, value);
      mark.append(shape);
      item.append(mark, text);
      return item;
    }));
  }

  // Lines of accuracy over severity; 0 is clean.
  function lines(canvas, place, severities, rows, title) {
    const datasets = rows.map((row, index) => {
      const look = series(index);
      return { label: row.text, data: row.values, borderColor: look.colour, backgroundColor: look.colour, borderDash: look.dash, pointStyle: look.shape, pointHoverBackgroundColor: look.colour, pointHoverBorderColor: look.colour, pointRadius: 4, pointHoverRadius: 6, borderWidth: 2, spanGaps: false };
    });
    const chart = new Chart(canvas, {
      type: "line",
      data: { labels: ["clean", ...severities], datasets },
      options: {
        animation: false, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
        scales: { x: axis("Severity"), y: axis(title, { beginAtZero: true, suggestedMax: 100 }) },
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false, external: tooltip((points) => [
            points[0].label === "clean" ? "Clean" : `Severity ${points[0].label}`,
            ...points.filter((one) => one.raw !== null).sort((a, b) => b.raw - a.raw).map((one) => `${percent(one.raw)}  ${one.dataset.label}`),
          ]) },
        },
      },
    });
    keyboard(chart, () => chart.data.labels.map((_, index) => datasets.map((__, datasetIndex) => ({ datasetIndex, index }))));
    legend(place, rows.map((row, index) => ({ text: row.text, ...series(index) })));
    return keep(chart);
  }

  function keep(chart) { made.push(chart); return chart; }
  function drop(chart) { if (chart) { made.splice(made.indexOf(chart), 1); chart.destroy(); } }

  // Paper is light whatever the screen is, so that charts are drawn once more for it.
  function onTheme(redraw) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    for (const event of ["beforeprint", "afterprint"]) {
      addEventListener(event, () => { document.documentElement.classList.toggle("light", event === "beforeprint"); redraw(); });
    }
  }

  function data() { return JSON.parse(document.getElementById("data").textContent); }
  function options(select, pairs) { select.replaceChildren(...pairs.map(([value, text]) => { const one = element("option", text); one.value = value; return one; })); }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  return { axis, colour, data, drop, element, keep, keyboard, legend, lines, made, onTheme, options, percent, range, tooltip, whiskers };
})();
